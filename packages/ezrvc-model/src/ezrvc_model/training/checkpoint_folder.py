"""The checkpoints of one run: which are there, which is the newest good one, which may go."""

import logging
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ezrvc_device.atomic import temporary_path
from ezrvc_model.errors import ModelError
from ezrvc_model.training.checkpoint import (
    CheckpointRecord,
    DamagedCheckpointError,
    read_record,
)

_log = logging.getLogger(__name__)
_NAME = re.compile(r"^step-(?P<step>\d{8,})$")


@dataclass(frozen=True)
class FoundCheckpoint:
    """Where to continue from.

    Attributes:
        path: the newest checkpoint that is whole; None when there is none at all.
        record: what it says of itself.
        damaged: newer ones that are not whole, where they were set aside to.
    """

    path: Path | None = None
    record: CheckpointRecord | None = None
    damaged: tuple[Path, ...] = ()


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps is kept."""
    return folder / f"step-{step:08d}"


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first; unfinished and set-aside ones are not among them."""
    if not folder.is_dir():
        return []
    numbered = [(int(m["step"]), p) for p in folder.iterdir() if (m := _NAME.match(p.name))]
    return [path for _, path in sorted(numbered)]


def find_newest(folder: Path) -> FoundCheckpoint:
    """The newest whole checkpoint; damaged newer ones are named in the log and set aside.

    Raises:
        ModelError: there are checkpoints, but none is whole (a run never silently begins anew),
            or the newest was written by another version of the program.
    """
    damaged: list[Path] = []
    reasons: list[str] = []
    for path in reversed(list_checkpoints(folder)):
        try:
            record = read_record(path)
        except DamagedCheckpointError as error:
            reasons.append(str(error))
            damaged.append(path)
            continue
        aside = tuple(_set_aside(each) for each in damaged)
        for reason, place in zip(reasons, aside, strict=True):
            _log.warning("%s; set aside as %s, continuing from %s", reason, place.name, path.name)
        return FoundCheckpoint(path, record, aside)
    if damaged:
        raise ModelError(
            f"{folder}: no checkpoint is whole ({'; '.join(reasons)}); "
            "restore one from a copy, or choose a new run name"
        )
    return FoundCheckpoint()


def prune(folder: Path, keep: int, best_step: int | None = None) -> None:
    """Remove all but the newest `keep` checkpoints and the one of the best step."""
    best = None if best_step is None else checkpoint_path(folder, best_step)
    for path in list_checkpoints(folder)[:-keep]:
        if path != best:
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a folder that, whenever the process dies, is whole or has another name."""
    shutil.rmtree(path.rename(temporary_path(path)))


def _set_aside(path: Path) -> Path:
    """Rename a damaged checkpoint, so that it is kept for inspection but not met again."""
    aside = path.with_name(f"damaged-{path.name}")
    shutil.rmtree(aside, ignore_errors=True)
    return path.rename(aside)
