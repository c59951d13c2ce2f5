"""How a run stands, from its folder alone: nothing is loaded, and it may be running."""

import os
import platform
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ezrvc_device.atomic import made_by_living_process, write_text
from ezrvc_device.configuration import Section, load_yaml
from ezrvc_device.errors import ConfigurationError
from ezrvc_model.errors import ModelError
from ezrvc_model.training.best import Validated, advice_to_stop, best_of, validations
from ezrvc_model.training.checkpoint_folder import checkpoint_path, list_checkpoints
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.sinks import read_metrics


class RunningMark(Section):
    """What a run that is under way says of itself, in `running.json`."""

    pid: int
    host: str
    max_steps: int


@dataclass(frozen=True)
class RunStatus:
    """How a run stands.

    Attributes:
        run: its folder.
        step: the last step that was logged or saved.
        max_steps: where it is to end; None: it does not say.
        running: whether a process of this machine trains it; None: another machine may.
        losses: the last mean of each loss.
        steps_per_s: at the last log line; None: not known.
        eta_s: seconds to the end at that speed; None: not known or not running.
        checkpoint: the newest.
        best: the best validation.
        best_is_kept: whether the checkpoint of the best validation is there.
        advice: what to know before going on; None: nothing.
    """

    run: Path
    step: int
    max_steps: int | None
    running: bool | None
    losses: dict[str, float]
    steps_per_s: float | None
    eta_s: float | None
    checkpoint: Path | None
    best: Validated | None
    best_is_kept: bool
    advice: str | None

    @property
    def finished(self) -> bool:
        """Whether all its steps are done."""
        return self.max_steps is not None and self.step >= self.max_steps


def read_status(run: Path) -> RunStatus:
    """How the run in a folder stands.

    Raises:
        ModelError: there is no run in the folder.
    """
    folder = RunFolder(run)
    if not folder.config.is_file():
        raise ModelError(f"{run}: no run here; start one with: ezrvc train")
    rows = read_metrics(folder.metrics)
    checkpoints = list_checkpoints(folder.checkpoints)
    saved = int(checkpoints[-1].name.rpartition("-")[2]) if checkpoints else 0
    step = max(saved, int(rows[-1]["step"]) if rows else 0)
    mark = _read_mark(folder)
    running = None if mark is None else _is_alive(mark, folder.running)
    max_steps = mark.max_steps if mark is not None else _max_steps(folder)
    speed = _last(rows, "speed/steps_per_s")
    found = validations(rows)
    best = best_of(found)
    left = None if max_steps is None else max(0, max_steps - step)
    return RunStatus(
        run=run,
        step=step,
        max_steps=max_steps,
        running=False if mark is None else running,
        losses=_losses(rows),
        steps_per_s=speed,
        eta_s=left / speed if running and left is not None and speed else None,
        checkpoint=checkpoints[-1] if checkpoints else None,
        best=best,
        best_is_kept=best is not None and checkpoint_path(folder.checkpoints, best.step).is_dir(),
        advice=advice_to_stop(found),
    )


@contextmanager
def marked_as_running(run: RunFolder, max_steps: int) -> Generator[None]:
    """While entered, the run's folder says that this process trains it.

    Raises:
        OSError: the folder cannot be written.
    """
    mark = RunningMark(pid=os.getpid(), host=_host(), max_steps=max_steps)
    write_text(run.running, mark.model_dump_json())
    try:
        yield
    finally:
        run.running.unlink(missing_ok=True)


def _read_mark(run: RunFolder) -> RunningMark | None:
    try:
        return RunningMark.model_validate_json(run.running.read_bytes())
    except (OSError, ValueError):
        return None


def _is_alive(mark: RunningMark, path: Path) -> bool | None:
    """Whether the process that wrote a mark lives; None: it is one of another machine."""
    if mark.host != _host():
        return None
    return made_by_living_process(path, mark.pid)


def _host() -> str:
    return platform.node()


def _max_steps(run: RunFolder) -> int | None:
    try:
        section: Any = load_yaml(run.config).get("train")
    except ConfigurationError:
        return None
    return section.get("max_steps") if isinstance(section, dict) else None


def _last(rows: Sequence[dict[str, float]], name: str) -> float | None:
    return next((row[name] for row in reversed(rows) if name in row), None)


def _losses(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """The last of each loss and validation, by name."""
    last = {name: value for row in rows for name, value in row.items()}
    groups = ("generator/", "discriminator/", "validation/")
    return {
        name: value
        for name, value in last.items()
        if name.startswith(groups) and not name.endswith("gradient_norm")
    }
