"""Files that are either whole or absent, whatever moment the process dies at.

A write goes to `.<name>.<pid>.tmp` in the same folder, is flushed to the disk, takes its final
name by a rename, and the folder entry is flushed too. Readers never see a half-written file;
`sweep_temporaries` removes what killed processes left behind.
"""

import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

_TEMPORARY_NAME = re.compile(r"^\..+\.(?P<pid>\d+)\.tmp$")


def temporary_path(path: Path) -> Path:
    """The name that `path` has while this process writes it."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def is_temporary(path: Path) -> bool:
    """Whether `path` is the unfinished write of some process."""
    return _TEMPORARY_NAME.match(path.name) is not None


@contextmanager
def atomic_file(path: Path) -> Generator[Path]:
    """Give a temporary path to write; on success it becomes `path`, on failure it vanishes.

    Raises:
        OSError: the folder cannot be written or the disk is full; `path` is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Generator[Path]:
    """Give a temporary folder to fill; on success it becomes `path`, replacing an older one.

    Raises:
        OSError: the parent cannot be written or the disk is full; `path` is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.rglob("*"):
            _flush(file)
        _flush(temporary)
        if path.exists():
            retired = path.with_name(f".{path.name}.old.{os.getpid()}.tmp")
            os.replace(path, retired)
            os.replace(temporary, path)
            shutil.rmtree(retired, ignore_errors=True)
        else:
            os.replace(temporary, path)
        _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def sweep_temporaries(folder: Path) -> int:
    """Remove what dead processes left half-written below `folder`; return how many."""
    swept = 0
    for path in folder.rglob(".*.tmp") if folder.is_dir() else ():
        match = _TEMPORARY_NAME.match(path.name)
        if match is None or psutil.pid_exists(int(match["pid"])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        swept += 1
    return swept


def _flush(path: Path) -> None:
    """Ask the disk to keep a file's content or a folder's entries."""
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders for flushing
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
