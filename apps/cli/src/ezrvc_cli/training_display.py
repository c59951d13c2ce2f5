"""Losses and speed beside the training bar."""

import time
from collections.abc import Mapping
from pathlib import Path

from ezrvc_cli.console import ProgressDisplay

_SHOWN = {"generator/mel": "mel", "generator/total": "gen", "discriminator/total": "disc"}


class TrainingDisplay:
    """A training observer that writes a short note beside the progress bar."""

    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display
        self._last: tuple[int, float] | None = None
        self._speed = ""

    def on_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Show the losses of a step, and how many steps a second there are."""
        now = time.monotonic()
        if self._last is not None and now > self._last[1] and step > self._last[0]:
            self._speed = f"{(step - self._last[0]) / (now - self._last[1]):.2f} steps/s"
        self._last = (step, now)
        shown = [f"{label} {metrics[key]:.2f}" for key, label in _SHOWN.items() if key in metrics]
        self._display.note(" ".join([*shown, self._speed]).strip())

    def on_checkpoint(self, path: Path) -> None:
        """Nothing to show: checkpoints come and go without anybody having to know."""
