"""Files that are either whole or absent, whatever moment the process dies at.

A write goes to `.<name>.<pid>.tmp` in the same folder, is flushed to the disk, takes its final
name by a rename, and the folder entry is flushed too. Readers never see a half-written file;
`sweep_temporaries` removes what killed processes left behind. A folder cannot be replaced in one
step, so its older self waits as `.<name>.<pid>.old` meanwhile, and the sweep puts it back if the
process died in between.
"""

import os
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

_TEMPORARY_NAME = re.compile(r"^\.(?P<name>.+)\.(?P<pid>\d+)\.(?P<kind>tmp|old)$")
_NUMBER_IN_WORDS = re.compile(r"\(os error (\d+)\)")
_LONGEST_NAME_BYTES = 255
_CLOCK_SLACK_S = 2.0
"""How far file times and process start times may disagree."""


def temporary_path(path: Path) -> Path:
    """The name that `path` has while this process writes it."""
    room = _LONGEST_NAME_BYTES - len(os.fsencode(_beside(Path("_"), "tmp").name)) + 1
    stem = os.fsencode(path.name)[:room].decode("utf-8", errors="ignore")
    return _beside(path.with_name(stem), "tmp")


def is_temporary(path: Path) -> bool:
    """Whether `path` is the unfinished write of some process."""
    return _TEMPORARY_NAME.match(path.name) is not None


def put_in_place(finished: Path, path: Path) -> None:
    """Give a finished file of the same folder its final name, durably.

    Raises:
        OSError: the disk does not take it; an older `path` is untouched then.
    """
    _flush(finished)
    os.replace(finished, path)
    _flush(path.parent)


@contextmanager
def atomic_file(path: Path) -> Generator[Path]:
    """Give a temporary path to write; on success it becomes `path`, on failure it vanishes.

    Raises:
        OSError: the folder cannot be written or the disk is full; `path` is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path)
    try:
        with _named(path):
            yield temporary
            put_in_place(temporary, path)
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
        with _named(path):
            yield temporary
            for file in temporary.rglob("*"):
                _flush(file)
            _flush(temporary)
            _replace_folder(temporary, path)
            _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _named(path: Path) -> Generator[None]:
    """What a disk refuses is an `OSError` that names the file, whichever library was writing.

    Some give no name, and safetensors an error of its own that has the number in its words.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    except Exception as error:
        number = _NUMBER_IN_WORDS.search(str(error))
        if number is None or os.name != "posix":
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code), str(path)) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def sweep_temporaries(folder: Path) -> int:
    """Remove what dead processes left half-written below `folder`; return how many.

    Run it when a stage starts. It judges by the processes of this host, so two hosts that share a
    folder must not sweep it while the other one writes.
    """
    return sum(_sweep(path) for path in list(_temporaries_below(folder)))


def sweep_temporaries_of(path: Path) -> int:
    """Remove what dead processes left of half-written versions of `path`; return how many.

    For results in folders that are not ezrvc's own, which are not to be searched through.
    """
    beginning = temporary_path(path).name.removesuffix(f"{os.getpid()}.tmp")
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    found = [each for each in beside if each.name.startswith(beginning) and is_temporary(each)]
    return sum(_sweep(each) for each in found)


def made_by_living_process(path: Path, pid: int) -> bool:
    """Whether the process of that number lives and is the one that made `path`.

    Numbers come round again, in containers at every start: a process younger than the file is
    another one.
    """
    import psutil  # here, not above: `import ezrvc_device` stays light

    try:
        started_s = psutil.Process(pid).create_time()
        return path.stat().st_mtime > started_s - _CLOCK_SLACK_S
    except (psutil.NoSuchProcess, FileNotFoundError):
        return False


def _sweep(path: Path) -> bool:
    """Remove or put back one temporary; False: the process that writes it lives."""
    match = _TEMPORARY_NAME.match(path.name)
    if match is None or made_by_living_process(path, int(match["pid"])):
        return False
    original = path.with_name(match["name"])
    if match["kind"] == "old" and not original.exists():
        os.replace(path, original)
    elif path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return True


def _beside(path: Path, kind: str) -> Path:
    """A name next to `path` that no reader takes for a result."""
    return path.with_name(f".{path.name}.{os.getpid()}.{kind}")


def _replace_folder(finished: Path, path: Path) -> None:
    if not path.exists():
        os.replace(finished, path)
        return
    retired = _beside(path, "old")
    shutil.rmtree(retired, ignore_errors=True)
    os.replace(path, retired)
    try:
        os.replace(finished, path)
    except OSError:
        os.replace(retired, path)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def _temporaries_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files) if is_temporary(Path(name)))
        folders[:] = [name for name in folders if not _TEMPORARY_NAME.match(name)]


def _flush(path: Path) -> None:
    """Ask the disk to keep a file's content or a folder's entries."""
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders for flushing
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
