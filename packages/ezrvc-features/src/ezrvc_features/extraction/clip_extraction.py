"""The features of one clip: read it, compute what is asked for, store it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip
from ezrvc_audio.reading import probe, read
from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_features.config import FeatureConfig
from ezrvc_features.content.windows import SPEECH_RATE
from ezrvc_features.extraction.extractor import FeatureExtractor
from ezrvc_features.extraction.long_clips import LONG_CLIP_S, LongClip
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store.column_blocks import ColumnBlocks
from ezrvc_features.store.feature_store import FeatureStore, Values
from ezrvc_features.store.record import Artefact, FeaturePlan


@dataclass(frozen=True)
class ClipJob:
    """What must be made of one clip.

    Attributes:
        clip: the clip.
        artefacts: which of its files.
        number: its place among the jobs of a run.
    """

    clip: Clip
    artefacts: tuple[Artefact, ...]
    number: int = 0


Outcome = tuple[ClipJob, str | None]
"""A job that was tried, and why it failed; None: it did not."""


@dataclass(frozen=True, eq=False)
class PreparedClip:
    """A clip that was read, with all its features but content.

    Attributes:
        made: the features.
        speech: the sound at 16 kHz, mono; None where no content is asked for.
    """

    made: dict[Artefact, Values]
    speech: Waveform | None


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

    def run(
        self, job: ClipJob, computing: AbstractContextManager[object] | None = None
    ) -> str | None:
        """Make and store what the job asks for; return why it failed, None if it did not.

        Args:
            job: the clip.
            computing: is held while features are computed, and not while they are written; those
                of a long clip are written as they are computed, and it is held throughout.
        """
        try:
            with ExitStack() as stack:
                stack.enter_context(computing or nullcontext())
                made = self._made_in_passages(job) if self.is_long(job) else self._made(job)
                if not any(isinstance(values, ColumnBlocks) for values in made.values()):
                    stack.close()
                self.save(job, made)
        except Exception as error:  # noqa: BLE001 - one bad clip never stops the batch: it is reported
            return reason_of(error)
        return None

    def is_long(self, job: ClipJob) -> bool:
        """Whether the clip must not be held in memory as a whole.

        Raises:
            AudioError: it cannot be read.
        """
        return probe(self._path(job)).duration_s > LONG_CLIP_S

    def prepare(self, job: ClipJob) -> PreparedClip:
        """Read a clip once, resample it to 16 kHz once, and compute all but its content.

        Raises:
            AudioError: it cannot be read.
            FeatureError: it is too short.
        """
        extractor = self.extractor
        waveform = read(self._path(job), mono=True)
        hears = {Artefact.CONTENT, Artefact.F0}.intersection(job.artefacts)
        speech = resample(waveform, SPEECH_RATE) if hears else None
        made: dict[Artefact, Values] = {}
        for artefact in job.artefacts:
            match artefact:
                case Artefact.F0:
                    curve = extractor.f0(waveform, speech=speech)
                    made[artefact] = np.stack([curve.hz, curve.voiced.astype(np.float32)])
                case Artefact.VOLUME:
                    made[artefact] = extractor.volume(waveform)
                case Artefact.SPECTROGRAM:
                    made[artefact] = extractor.spectrogram(waveform, self.n_fft)
                case Artefact.CONTENT:
                    pass
        return PreparedClip(made, speech if Artefact.CONTENT in hears else None)

    def save(self, job: ClipJob, made: Mapping[Artefact, Values]) -> None:
        """Store what was made.

        Raises:
            FeatureError: it holds values that are not finite.
            OSError: the disk does not take it.
        """
        in_order = {artefact: made[artefact] for artefact in job.artefacts}
        with torch.no_grad():  # blocks are computed as they are written
            FeatureStore(self.experiment).save(job.clip, in_order, self.plan)

    def _made(self, job: ClipJob) -> dict[Artefact, Values]:
        prepared = self.prepare(job)
        if prepared.speech is not None:
            prepared.made[Artefact.CONTENT] = self.extractor.content(prepared.speech)
        return prepared.made

    def _made_in_passages(self, job: ClipJob) -> dict[Artefact, Values]:
        clip = LongClip(self.extractor, self._path(job))
        made: dict[Artefact, Values] = {}
        for artefact in job.artefacts:
            match artefact:
                case Artefact.CONTENT:
                    made[artefact] = clip.content()
                case Artefact.F0:
                    made[artefact] = clip.f0()
                case Artefact.VOLUME:
                    made[artefact] = clip.volume()
                case Artefact.SPECTROGRAM:
                    made[artefact] = clip.spectrogram(self.n_fft)
        return made

    def _path(self, job: ClipJob) -> Path:
        return self.experiment.root / job.clip.path


def reason_of(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(f"{error}".split()) or type(error).__name__
