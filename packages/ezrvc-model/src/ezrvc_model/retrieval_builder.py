"""Retrieval vectors for a voice, from the content of the experiment it was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip, read_manifest
from ezrvc_device.progress import Progress, silent
from ezrvc_features.retrieval import RetrievalConfig, build, fingerprint
from ezrvc_features.store import Artefact, FeatureStore
from ezrvc_model.data.clip_set import read_file_list
from ezrvc_model.errors import ModelError
from ezrvc_model.voice_retrieval import add_retrieval, describe_retrieval, find_retrieval


@dataclass(frozen=True)
class RetrievalBuilder:
    """Keeps the retrieval vectors of a voice folder as the experiment's clips ask for.

    Clips that are held out for validation stay out, and so do clips without content.

    Attributes:
        experiment: prepared clips and features.
        config: which method; with `none`, nothing is made and nothing removed.
        speakers: name to row of the speaker table.
        content_dim: width of the voice's content.
    """

    experiment: ExperimentFolder
    config: RetrievalConfig
    speakers: Mapping[str, int]
    content_dim: int

    @property
    def speakers_with_clips(self) -> list[str]:
        """Speakers that vectors can be made for.

        Raises:
            AudioError: the manifest cannot be read.
            ModelError: the list of clips cannot be read.
        """
        return list(self._clips)

    def missing(self, folder: Path) -> list[str]:
        """Speakers whose vectors are not there, or were made from other clips or settings.

        Raises:
            AudioError: the manifest cannot be read.
            ModelError: the list of clips cannot be read.
        """
        present = find_retrieval(folder, self.speakers)
        return [
            speaker
            for speaker, wanted in self._fingerprints.items()
            if speaker not in present or self._made_from(present[speaker]) != wanted
        ]

    def update(self, folder: Path, progress: Progress = silent) -> list[str]:
        """Make what is missing in a voice folder; gives the speakers it was made for.

        Raises:
            AudioError: the manifest cannot be read.
            FeatureError: a clip's content is damaged.
            ModelError: the list of clips cannot be read, or content and voice do not fit.
            OSError: the folder cannot be written.
        """
        made = self.missing(folder)
        for speaker in made:
            clips = self._clips[speaker]
            add_retrieval(
                folder,
                self.speakers[speaker],
                build(self._store, clips, self.config, progress=progress),
                self.content_dim,
                origin=f"{len(clips)} clips of experiment {self.experiment.name}",
                fingerprint=self._fingerprints[speaker],
            )
        return made

    @property
    def _store(self) -> FeatureStore:
        return FeatureStore(self.experiment)

    @cached_property
    def _clips(self) -> dict[str, list[Clip]]:
        """Training clips with content, by speaker."""
        if self.config.method == "none":
            return {}
        wanted = set(read_file_list(self.experiment.train_list))
        by_speaker: dict[str, list[Clip]] = {}
        for clip in read_manifest(self.experiment.manifest):
            if clip.path in wanted and self._store.has(clip, Artefact.CONTENT):
                by_speaker.setdefault(clip.speaker, []).append(clip)
        return {speaker: by_speaker[speaker] for speaker in self.speakers if speaker in by_speaker}

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        return {
            speaker: fingerprint(self._store, clips, self.config)
            for speaker, clips in self._clips.items()
        }

    def _made_from(self, path: Path) -> str:
        """The fingerprint of a file of vectors; none if it cannot be used."""
        try:
            return describe_retrieval(path, self.content_dim).fingerprint
        except ModelError:
            return ""  # damaged: to be made again
