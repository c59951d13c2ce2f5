"""A run stopped at any moment, then run again, ends as if it had never been stopped."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from ezrvc_audio.config import PreparationConfig, SlicerConfig
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest
from ezrvc_audio.preparation import prepare_recordings, read_ledger

RATE = 8000
CONFIG = PreparationConfig(
    slicer=SlicerConfig(min_clip_s=1.0, max_clip_s=4.0, min_sound_s=0.3), loudness_lufs=None
)


def record(path: Path, seed: int, n_phrases: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    phrase = np.random.default_rng(seed).uniform(-0.4, 0.4, RATE)
    soundfile.write(path, np.concatenate([phrase, np.zeros(RATE // 2)] * n_phrases), RATE)


def contents(experiment: ExperimentFolder) -> dict[str, str]:
    return {
        path.relative_to(experiment.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in experiment.root.rglob("*")
        if path.is_file()
    }


def committed(experiment: ExperimentFolder) -> dict[str, int]:
    """When the clips that count as finished were written; all of them are whole."""
    times: dict[str, int] = {}
    for record in read_ledger(experiment.sources).values():
        for clip in record.clips:
            path = experiment.root / clip.path
            assert hashlib.sha256(path.read_bytes()).hexdigest() == clip.sha256
            times[clip.path] = path.stat().st_mtime_ns
    return times


class Stopped(BaseException):
    """Stands for the death of the process: nothing catches it."""


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the process die right before or right after its nth change of the disk."""
    replace, fsync = os.replace, os.fsync
    left = 0

    def count_down() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stopped

    def counting_replace(source: Path, target: Path) -> None:
        count_down()
        replace(source, target)
        count_down()

    def counting_fsync(descriptor: int) -> None:
        fsync(descriptor)
        count_down()

    def arm(n_changes: int) -> None:
        nonlocal left
        left = n_changes

    monkeypatch.setattr(os, "replace", counting_replace)
    monkeypatch.setattr(os, "fsync", counting_fsync)
    return arm


def test_a_run_stopped_at_any_change_of_the_disk_ends_as_if_never_stopped(
    tmp_path: Path, stop_after: Callable[[int], None]
) -> None:
    raw = tmp_path / "raw"
    for number in range(2):
        record(raw / f"{number}.wav", number)
    stop_after(10**9)
    fresh = ExperimentFolder(tmp_path / "fresh")
    prepare_recordings({"ana": raw}, fresh, RATE, CONFIG)
    expected = contents(fresh)
    for n_changes in range(200):
        experiment = ExperimentFolder(tmp_path / f"stopped {n_changes}")
        stop_after(n_changes)
        try:
            prepare_recordings({"ana": raw}, experiment, RATE, CONFIG)
        except Stopped:
            finished = committed(experiment)
            stop_after(10**9)
            prepare_recordings({"ana": raw}, experiment, RATE, CONFIG)
            assert contents(experiment) == expected
            assert finished.items() <= committed(experiment).items()
        else:
            assert n_changes > 20  # four clips, each written, flushed, renamed, recorded
            return
    pytest.fail("the run never ended")


def test_a_stopped_change_of_settings_is_never_taken_for_finished(
    tmp_path: Path, stop_after: Callable[[int], None]
) -> None:
    """Clips of new settings overwrite old ones; going back must make the old ones again."""
    raw = tmp_path / "raw"
    for number in range(2):
        record(raw / f"{number}.wav", number)
    louder = CONFIG.model_copy(update={"loudness_lufs": -20.0})
    experiment = ExperimentFolder(tmp_path / "exp")
    stop_after(10**9)
    prepare_recordings({"ana": raw}, experiment, RATE, CONFIG)
    expected = contents(experiment)
    for n_changes in range(0, 60, 3):
        stop_after(n_changes)
        try:
            prepare_recordings({"ana": raw}, experiment, RATE, louder)
        except Stopped:
            committed(experiment)
        stop_after(10**9)
        prepare_recordings({"ana": raw}, experiment, RATE, CONFIG)
        assert contents(experiment) == expected


def test_a_torn_or_foreign_line_of_the_ledger_is_done_again(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for number in range(3):
        record(raw / f"{number}.wav", number)
    experiment = ExperimentFolder(tmp_path / "exp")
    prepare_recordings({"ana": raw}, experiment, RATE, CONFIG)
    expected = contents(experiment)
    first, _second, third = experiment.sources.read_text(encoding="utf-8").splitlines()
    torn = "\n".join([first, json.dumps({"of": "another version"}), third[:40]])
    experiment.sources.write_text(torn, encoding="utf-8")
    assert prepare_recordings({"ana": raw}, experiment, RATE, CONFIG).n_unchanged == 1
    assert contents(experiment).keys() == expected.keys()
    assert contents(experiment)["manifest.jsonl"] == expected["manifest.jsonl"]


DRIVER = """
import json, os, random, signal, sys, time
from pathlib import Path
from ezrvc_audio.config import PreparationConfig
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.preparation import prepare_recordings

raw, root, config, seed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
config = PreparationConfig.model_validate_json(config)
moments = random.Random(seed)

def start(name):
    child = os.fork()
    if child == 0:
        prepare_recordings({"ana": raw}, ExperimentFolder(root / name), 8000, config)
        os._exit(0)
    return child

began = time.perf_counter()
assert os.waitpid(start("whole"), 0)[1] == 0
needed_s = time.perf_counter() - began
for n_runs in range(1, 60):
    child = start("killed")
    time.sleep(moments.uniform(0.1, 0.7) * needed_s)
    os.kill(child, signal.SIGKILL)
    died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    print(json.dumps({"died": died, "files": sorted(
        (str(path.relative_to(root / "killed")), path.stat().st_mtime_ns)
        for path in (root / "killed").rglob("*.wav") if not path.name.startswith("."))}))
    if not died:
        break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver forks")
def test_a_process_killed_again_and_again_finishes_the_same(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for number in range(12):
        record(raw / f"{number}.wav", number, n_phrases=3)
    arguments = [str(raw), str(tmp_path), CONFIG.model_dump_json(), "7"]
    driven = subprocess.run(
        [sys.executable, "-c", DRIVER, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    runs = [json.loads(line) for line in driven.stdout.splitlines()]
    killed, whole = ExperimentFolder(tmp_path / "killed"), ExperimentFolder(tmp_path / "whole")
    assert sum(run["died"] for run in runs) >= 2
    assert not runs[-1]["died"]
    assert contents(killed) == contents(whole)
    assert len(read_manifest(killed.manifest)) == 36
    for before, after in itertools.pairwise(runs):
        # A kill loses at most the recording in work: its three clips are made again.
        kept = {tuple(entry) for entry in before["files"]} & {tuple(e) for e in after["files"]}
        assert len(kept) >= len(before["files"]) - 3


PARENT = """
import sys
from pathlib import Path
from ezrvc_audio.config import PreparationConfig
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.preparation import prepare_recordings

if __name__ == "__main__":
    config = PreparationConfig.model_validate_json(sys.argv[3])
    experiment = ExperimentFolder(Path(sys.argv[2]))
    prepare_recordings({"ana": Path(sys.argv[1])}, experiment, 8000, config, workers=2)
"""


@pytest.mark.slow
def test_workers_die_with_a_killed_parent_and_the_next_run_finishes(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for number in range(60):
        record(raw / f"{number}.wav", number, n_phrases=3)
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    experiment = ExperimentFolder(tmp_path / "killed")
    arguments = [sys.executable, script, raw, experiment.root, CONFIG.model_dump_json()]
    process = subprocess.Popen(arguments)
    while not (experiment.sources.is_file() and len(read_ledger(experiment.sources)) >= 4):
        assert process.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _gone, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    finished = committed(experiment)
    assert 12 <= len(finished) < 180
    prepare_recordings({"ana": raw}, experiment, RATE, CONFIG, workers=2)
    assert finished.items() <= committed(experiment).items()
    whole = ExperimentFolder(tmp_path / "whole")
    prepare_recordings({"ana": raw}, whole, RATE, CONFIG)
    assert contents(experiment) == contents(whole)
