"""Who is told what a run does, and who judges what it has learnt."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.synthesizer.synthesizer import Synthesizer


class TrainingObserver(Protocol):
    """Watches a run, for display; what it does cannot change the run."""

    def on_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Told every `log_every` steps: the mean of each `group/name` metric since last time."""
        ...

    def on_checkpoint(self, path: Path) -> None:
        """Told when a checkpoint has been written and its voice exported."""
        ...


class Validator(Protocol):
    """Measures the voice on clips it was not trained on."""

    def validate(
        self, generator: Synthesizer, clips: Sequence[TrainingClip], step: int
    ) -> Mapping[str, float]:
        """Judge the generator as it is after `step` steps.

        Args:
            generator: in evaluation mode, on its device; gradients are off.
            clips: held-out clips, whole, on the CPU.
            step: how many steps it has been trained.

        Returns:
            `validation/name` metrics.
        """
        ...
