"""When and how a run is saved: the checkpoint to continue from, and the voice to convert with."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ezrvc_device.progress import Progress, silent
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.retrieval_builder import RetrievalBuilder
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training.automatic import settled_numbers
from ezrvc_model.training.best import Validated, best_of, validations
from ezrvc_model.training.checkpoint import CheckpointRecord, write_checkpoint
from ezrvc_model.training.checkpoint_folder import checkpoint_path, prune
from ezrvc_model.training.fabric import scaler_state
from ezrvc_model.training.observers import TrainingObserver
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.state import TrainingState
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import F0Range, Origin, TrainingFacts, VoiceCard
from ezrvc_model.voice_folder import is_voice_folder, read_voice_card
from ezrvc_model.voice_retrieval import find_retrieval


@dataclass(frozen=True)
class VoiceExporter:
    """Makes the voice of a run.

    Attributes:
        run: where it goes.
        model: its network.
        features: what it was trained with.
        speakers: name to row of the speaker table.
        good_from_step: with fewer steps the card says that it is untrained.
        audio_minutes: of the training clips, where known.
        f0: pitch range of each speaker, where known.
        encoder_version: of the content encoder, where known.
        origin: where the run began.
        retrieval: keeps the voice's retrieval vectors; None: those that are there stay.
        progress: told what is read for them.
    """

    run: RunFolder
    model: SynthesizerConfig
    features: FeatureConfig
    speakers: Mapping[str, int]
    good_from_step: int
    audio_minutes: float | None = None
    f0: Mapping[str, F0Range] | None = None
    encoder_version: str | None = None
    origin: Origin = field(default_factory=Origin)
    retrieval: RetrievalBuilder | None = None
    progress: Progress = silent

    def export(self, generator: Synthesizer, step: int) -> None:
        """Write the voice as it is after `step` steps.

        Retrieval vectors that it has stay; they are made where they are missing or of other clips.

        Raises:
            ModelError: it cannot be written.
            FeatureError: the content of a clip, for retrieval, is damaged.
        """
        card = self._card_so_far().model_copy(
            update={
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "origin": self.origin,
                "training": TrainingFacts(
                    steps=step,
                    audio_minutes=self.audio_minutes,
                    untrained=step < self.good_from_step,
                ),
                "f0": dict(self.f0 or {}),
            }
        )
        voice = VoiceModel(
            config=self.model,
            generator=generator,
            speakers=self.speakers,
            features=self.features,
            card=card,
            encoder_version=self.encoder_version,
            retrieval=find_retrieval(self.run.voice, self.speakers),
        )
        try:
            voice.save(self.run.voice)
            self.update_retrieval()
        except (OSError, SafetensorError) as error:
            raise ModelError(
                f"{self.run.voice}: the voice cannot be written ({error}); the checkpoints are "
                "untouched: make room on the disk and start again"
            ) from error

    def update_retrieval(self) -> None:
        """Make the retrieval vectors that the exported voice lacks; the rest stays as it is.

        Raises:
            ModelError: content and voice do not fit each other.
            FeatureError: the content of a clip is damaged.
            OSError: they cannot be written.
        """
        if self.retrieval is not None:
            self.retrieval.update(self.run.voice, self.progress)

    def _card_so_far(self) -> VoiceCard:
        """The card as it stands: what a person wrote there (consent, licence) is kept."""
        if is_voice_folder(self.run.voice):
            return read_voice_card(self.run.voice)
        return VoiceCard(name=self.run.root.name)

    def is_exported(self, step: int) -> bool:
        """Whether the voice after `step` steps is there already."""
        if not is_voice_folder(self.run.voice):
            return False
        return read_voice_card(self.run.voice).training.steps == step


class Saver:
    """Saves a run every so many steps, at most so many minutes apart, and when it is at its best.

    Args:
        run: where to.
        settings: how often, and how many checkpoints stay.
        fixed: what the run cannot change, to be kept with each checkpoint.
        clips: fingerprint of the data order.
        exporter: of the voice.
        observers: are told of each checkpoint.
        best: validation so far.
    """

    def __init__(
        self,
        run: RunFolder,
        settings: TrainConfig,
        fixed: Mapping[str, Any],
        clips: str,
        exporter: VoiceExporter,
        observers: Sequence[TrainingObserver],
        best: Validated | None = None,
    ) -> None:
        self._best = best
        self._run = run
        self._settings = settings
        self._fixed = dict(fixed)
        self._clips = clips
        self._exporter = exporter
        self._observers = observers
        self._last_s = time.monotonic()
        self.last: Path | None = None

    def is_due(self, step: int, metrics: Mapping[str, float] | None = None) -> bool:
        """Whether the run should be saved after `step` steps, which gave these metrics."""
        latest = best_of(validations([{**(metrics or {}), "step": step}]))
        if latest is not None and (self._best is None or latest.value < self._best.value):
            self._best = latest
            return True
        minutes = (time.monotonic() - self._last_s) / 60
        on_the_step = step % self._settings.checkpoint_every == 0
        return on_the_step or minutes >= self._settings.checkpoint_minutes

    def save(self, state: TrainingState, epoch: int) -> None:
        """Write a checkpoint, then the voice; remove checkpoints beyond those to keep.

        Raises:
            ModelError: they cannot be written; earlier ones are untouched.
        """
        path = checkpoint_path(self._run.checkpoints, state.step)
        record = CheckpointRecord(
            step=state.step,
            epoch=epoch,
            seed=self._settings.seed,
            clips=self._clips,
            fixed=self._fixed,
            origin=self._exporter.origin,
            batch_size=self._settings.resolved_batch_size,
            settled=settled_numbers(self._settings),
            rate_factor=state.rate_factor,
            scaler=scaler_state(state.fabric),
        )
        write_checkpoint(path, state.networks, record)
        best = None if self._best is None else self._best.step
        prune(self._run.checkpoints, self._settings.keep_checkpoints, best)
        self._exporter.export(state.synthesizer, state.step)
        self._last_s = time.monotonic()
        self.last = path
        for observer in self._observers:
            observer.on_checkpoint(path)
