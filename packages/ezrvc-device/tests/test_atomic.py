import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ezrvc_device import atomic

_DEAD_PID = 2**22 + 12345
"""Above the largest process number that Linux and macOS give."""


def test_a_write_is_there_and_nothing_else(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "new" / "a.txt", "línea\n")
    atomic.write_bytes(tmp_path / "new" / "b.bin", b"\0\1")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "línea\n".encode()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.txt", "b.bin"]


def test_the_temporary_lies_beside_and_names_its_process(tmp_path: Path) -> None:
    temporary = atomic.temporary_path(tmp_path / "a.wav")
    assert temporary == tmp_path / f".a.wav.{os.getpid()}.tmp"
    assert atomic.is_temporary(temporary)
    assert not atomic.is_temporary(tmp_path / "a.tmp")
    assert not atomic.is_temporary(tmp_path / "a.1.tmp")


@pytest.mark.parametrize("name", ["a" * 251 + ".wav", "声" * 85], ids=["ascii", "cjk"])
def test_the_longest_names_can_be_written(tmp_path: Path, name: str) -> None:
    assert len(name.encode()) == 255
    atomic.write_text(tmp_path / name, "x")
    assert (tmp_path / name).read_text(encoding="utf-8") == "x"


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic.write_text(path, "old")

    def write_half() -> None:
        with atomic.atomic_file(path) as temporary:
            temporary.write_text("new", encoding="utf-8")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        write_half()
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    atomic.write_text(path, "old")

    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_text(path, "new")
    with pytest.raises(OSError, match="No space left"), atomic.atomic_folder(tmp_path / "f") as f:
        (f / "x").touch()
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EFBIG, "File too large"),
        ValueError(f"Error while serializing: I/O error: File too large (os error {errno.EFBIG})"),
    ],
)
def test_what_a_disk_refuses_names_the_file(tmp_path: Path, error: Exception) -> None:
    for manager in (atomic.atomic_file, atomic.atomic_folder):
        with pytest.raises(OSError, match="File too large") as raised, manager(tmp_path / "a"):
            raise error
        assert raised.value.errno == errno.EFBIG
        assert raised.value.filename == str(tmp_path / "a")


def test_a_name_that_is_there_stays(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised, atomic.atomic_file(tmp_path / "a"):
        (tmp_path / "b").read_bytes()
    assert raised.value.filename == str(tmp_path / "b")


_WRITER = """
import sys
from pathlib import Path
from ezrvc_device.atomic import {manager}
with {manager}(Path(sys.argv[1])) as temporary:
    {write}
    print("writing", flush=True)
    sys.stdin.read()
"""


def _killed_while_writing(path: Path, manager: str, write: str) -> int:
    """Start a process that writes `path`, kill it in the middle, and return its number."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER.format(manager=manager, write=write), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        return process.pid


def test_a_process_killed_while_writing_leaves_the_old_file_and_a_sweepable_rest(
    tmp_path: Path,
) -> None:
    path = tmp_path / "deep" / "a.txt"
    atomic.write_text(path, "old")
    pid = _killed_while_writing(path, "atomic_file", "temporary.write_text('half')")
    rest = path.with_name(f".a.txt.{pid}.tmp")
    assert path.read_text(encoding="utf-8") == "old"
    assert rest.exists()
    assert atomic.sweep_temporaries(tmp_path) == 1
    assert not rest.exists()
    assert path.read_text(encoding="utf-8") == "old"


def test_a_process_killed_while_filling_a_folder_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "step"
    with atomic.atomic_folder(path) as folder:
        atomic.write_text(folder / "a", "old")
    _killed_while_writing(path, "atomic_folder", "(temporary / 'a').write_text('half')")
    assert (path / "a").read_text(encoding="utf-8") == "old"
    assert atomic.sweep_temporaries(tmp_path) == 1
    assert os.listdir(tmp_path) == ["step"]


def test_a_folder_replaces_an_older_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "step"
    for content in ("1", "2"):
        with atomic.atomic_folder(path) as folder:
            (folder / content).mkdir()
            (folder / content / "state").write_text(content, encoding="utf-8")
    assert [str(file.relative_to(path)) for file in sorted(path.rglob("*"))] == ["2", "2/state"]
    assert os.listdir(tmp_path) == ["step"]


def test_an_error_while_filling_a_folder_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "step"
    with atomic.atomic_folder(path) as folder:
        (folder / "old").touch()
    with pytest.raises(RuntimeError, match="halfway"), atomic.atomic_folder(path) as folder:
        raise RuntimeError("halfway")
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["step"]


def test_a_folder_that_died_between_its_two_renames_comes_back(tmp_path: Path) -> None:
    (tmp_path / f".step.{_DEAD_PID}.old").mkdir()
    (tmp_path / f".step.{_DEAD_PID}.old" / "a").touch()
    (tmp_path / f".step.{_DEAD_PID}.tmp").mkdir()
    assert atomic.sweep_temporaries(tmp_path) == 2
    assert os.listdir(tmp_path) == ["step"]
    assert os.listdir(tmp_path / "step") == ["a"]


def test_an_older_self_is_swept_once_the_new_one_is_there(tmp_path: Path) -> None:
    (tmp_path / f".step.{_DEAD_PID}.old").mkdir()
    (tmp_path / "step").mkdir()
    assert atomic.sweep_temporaries(tmp_path) == 1
    assert os.listdir(tmp_path) == ["step"]


def test_the_sweep_spares_files_being_written_and_files_of_others(tmp_path: Path) -> None:
    own = atomic.temporary_path(tmp_path / "a.txt")
    parent = tmp_path / f".b.txt.{psutil.Process().ppid()}.tmp"
    others = [tmp_path / "c.tmp", tmp_path / ".d.tmp", tmp_path / ".e.12x.tmp"]
    for path in (own, parent, *others):
        path.touch()
    assert atomic.sweep_temporaries(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 5


def test_the_sweep_knows_a_process_number_that_came_round_again(tmp_path: Path) -> None:
    left = atomic.temporary_path(tmp_path / "a.txt")
    left.touch()
    long_before = psutil.Process().create_time() - 3600
    os.utime(left, (long_before, long_before))
    assert atomic.sweep_temporaries(tmp_path) == 1
    assert not left.exists()


def test_there_is_nothing_to_sweep_where_no_folder_is(tmp_path: Path) -> None:
    assert atomic.sweep_temporaries(tmp_path / "absent") == 0


def test_readers_never_see_a_part(tmp_path: Path) -> None:
    """A reader that looks all the time sees the old text or the new one, nothing else."""
    path = tmp_path / "a.txt"
    atomic.write_text(path, "0" * 100_000)
    code = (
        "import sys; from pathlib import Path; from ezrvc_device.atomic import write_text\n"
        "for n in range(60): write_text(Path(sys.argv[1]), str(n % 10) * 100_000)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as writer:
        seen: set[str] = set()
        while writer.poll() is None:
            text = path.read_text(encoding="utf-8")
            assert len(text) == 100_000
            assert len(set(text)) == 1
            seen.add(text[0])
            time.sleep(0.0005)
    assert writer.returncode == 0
    assert path.read_text(encoding="utf-8") == "9" * 100_000


def test_the_sweep_of_one_file_leaves_the_rest_of_the_folder_alone(tmp_path: Path) -> None:
    mine = tmp_path / f".out.wav.{_DEAD_PID}.tmp"
    others = [
        tmp_path / f".out.wav2.{_DEAD_PID}.tmp",
        tmp_path / f".out.wav.{os.getpid()}.tmp",
        tmp_path / ".out.wav.backup.tmp",
        tmp_path / "deeper" / mine.name,
    ]
    (tmp_path / "deeper").mkdir()
    for path in (mine, *others):
        path.touch()
    assert atomic.sweep_temporaries_of(tmp_path / "out.wav") == 1
    assert not mine.exists()
    assert all(path.exists() for path in others)
    assert atomic.sweep_temporaries_of(tmp_path / "absent" / "out.wav") == 0
