"""What a run of the trainer did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ezrvc_model.data.clip_set import LeftOutClip
from ezrvc_model.training.bases.report import BaseReport


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What one call of `train` did.

    Attributes:
        run: the run's folder.
        voice: the exported voice's folder.
        steps: steps the model has been trained, in all.
        steps_now: of these, the ones of this call; 0 when `max_steps` had been reached before.
        resumed_from: the step of the checkpoint that training continued from; None for a new run.
        damaged_checkpoints: checkpoints newer than that which could not be used, set aside.
        left_out: clips that could not be used, with the reason.
        metrics: the last of each metric.
        beginning: where it began and why, for people.
        base: how a new run began from its base; None: it is no new run, or had none.
        advice: what to know before going on; None: nothing.
        duration_s: of this call, seconds.
        interrupted: whether it was asked to stop before `max_steps`.
    """

    run: Path
    voice: Path
    steps: int
    steps_now: int
    resumed_from: int | None = None
    damaged_checkpoints: tuple[Path, ...] = ()
    left_out: tuple[LeftOutClip, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    duration_s: float = 0.0
    interrupted: bool = False
    beginning: str = ""
    base: BaseReport | None = None
    advice: str | None = None

    @property
    def already_complete(self) -> bool:
        """Whether there was nothing left to do."""
        return self.steps_now == 0 and not self.interrupted
