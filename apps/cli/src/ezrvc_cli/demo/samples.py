"""The sample recordings that ship with the command line; synthetic voices, nobody's own."""

import shutil
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

TARGET_SPEAKER = "emma"


@dataclass(frozen=True)
class Samples:
    """Where the samples lie.

    Attributes:
        sources: recordings to convert.
        target: a folder of recordings of one voice, to learn.
    """

    sources: tuple[Path, ...]
    target: Path


def unpack_samples(folder: Path) -> Samples:
    """Copy the samples below `folder`, as a user would lay out their own recordings."""
    target = folder / "data" / "raw" / TARGET_SPEAKER
    sources = folder / "sources"
    target.mkdir(parents=True, exist_ok=True)
    sources.mkdir(parents=True, exist_ok=True)
    with as_file(files("ezrvc_cli") / "samples") as shipped:
        for recording in sorted((shipped / "target-emma").glob("*.opus")):
            _copy(recording, target)
        copied = [_copy(recording, sources) for recording in sorted(shipped.glob("source-*.opus"))]
        _copy(shipped / "LICENCE.md", folder)
    return Samples(tuple(copied), target)


def _copy(file: Path, folder: Path) -> Path:
    copy = folder / file.name
    if not copy.exists():  # keep an earlier copy's time: it is what preprocessing has seen
        shutil.copyfile(file, copy)
    return copy
