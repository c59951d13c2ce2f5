"""The features of one clip: read it, compute what is asked for, store it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip
from ezrvc_audio.reading import read
from ezrvc_audio.waveform import Waveform
from ezrvc_features.config import FeatureConfig
from ezrvc_features.extraction.extractor import FeatureExtractor
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store.feature_store import FeatureStore, Values
from ezrvc_features.store.record import Artefact, FeaturePlan


@dataclass(frozen=True)
class ClipJob:
    """What must be made of one clip."""

    clip: Clip
    artefacts: tuple[Artefact, ...]


@dataclass(frozen=True)
class ClipExtraction:
    """How clips of one experiment become feature files; can be sent to another process.

    Attributes:
        experiment: whose clips.
        config: which encoder and pitch method.
        frames: the grid.
        n_fft: of the spectrogram.
        plan: what goes on record.
        device: where networks run.
    """

    experiment: ExperimentFolder
    config: FeatureConfig
    frames: FrameSpec
    n_fft: int
    plan: FeaturePlan
    device: str

    @cached_property
    def extractor(self) -> FeatureExtractor:
        """Holds the models, loaded once in each process."""
        return FeatureExtractor(self.config, self.frames, self.device)

    def run(self, job: ClipJob) -> str | None:
        """Make and store what the job asks for; return why it failed, None if it did not."""
        try:
            waveform = read(self.experiment.root / job.clip.path, mono=True)
            FeatureStore(self.experiment).save(
                job.clip, self._make(waveform, job.artefacts), self.plan
            )
        except Exception as error:  # noqa: BLE001 - one bad clip never stops the batch: it is reported
            return " ".join(f"{error}".split()) or type(error).__name__
        return None

    def _make(
        self, waveform: Waveform, artefacts: tuple[Artefact, ...]
    ) -> Mapping[Artefact, Values]:
        extractor = self.extractor
        made: dict[Artefact, Values] = {}
        for artefact in artefacts:
            match artefact:
                case Artefact.CONTENT:
                    made[artefact] = extractor.content(waveform)
                case Artefact.F0:
                    curve = extractor.f0(waveform)
                    made[artefact] = np.stack([curve.hz, curve.voiced.astype(np.float32)])
                case Artefact.VOLUME:
                    made[artefact] = extractor.volume(waveform)
                case Artefact.SPECTROGRAM:
                    made[artefact] = extractor.spectrogram(waveform, self.n_fft)
        return made
