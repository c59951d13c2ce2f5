"""SIGKILL at random moments, then again: what was finished stays, the end is the same."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import F0Config, FeatureConfig
from ezrvc_features.extraction import extract_features
from ezrvc_features.frames import FrameSpec

MakeExperiment = Callable[..., ExperimentFolder]

NAMES = [f"clip {number}" for number in range(10)]
CONFIG = FeatureConfig(encoder="mel", f0=F0Config(method="pm"))
FRAMES = FrameSpec(16_000, 200)
N_FFT = 512

PROGRAM = """
import sys
from pathlib import Path
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import F0Config, FeatureConfig
from ezrvc_features.extraction import extract_features
from ezrvc_features.frames import FrameSpec

def extract(root, workers=1):
    config = FeatureConfig(encoder="mel", f0=F0Config(method="pm"))
    frames = FrameSpec(16_000, 200)
    extract_features(ExperimentFolder(Path(root)), config, frames, 512, workers=workers)
"""

KILLER = (
    PROGRAM
    + """
import json, os, random, signal, time
from ezrvc_device.processors import limit_threads

def start():
    process = os.fork()
    if process == 0:
        try:
            extract(sys.argv[1])
        finally:
            os._exit(0)
    return process

def state():
    return {
        str(path): path.stat().st_mtime_ns
        for path in Path(sys.argv[1], "features").rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }

def files():
    return sum(1 for path in Path(sys.argv[1], "features").rglob("*") if path.is_file())

limit_threads(1)  # a forked process has none of its parent's threads
extract(sys.argv[2])  # everything is imported and warm now
extract(sys.argv[3])
chance = random.Random(7)
for _ in range(10):
    enough = files() + chance.randrange(9)
    process = start()
    gone, status = 0, 0
    while not gone and files() < enough:
        gone, status = os.waitpid(process, os.WNOHANG)
    if not gone:
        time.sleep(chance.uniform(0, 0.004))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
    print(json.dumps({"killed": os.WIFSIGNALED(status), "state": state()}), flush=True)
"""
)


def values(experiment: ExperimentFolder) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path in sorted(experiment.features.rglob("*")):
        if path.suffix == ".npy":
            found[path.name] = np.load(path)
        elif path.suffix == ".pt":
            found[path.name] = torch.load(path, weights_only=True).numpy()
    return found


def assert_equal(first: ExperimentFolder, second: ExperimentFolder) -> None:
    ours, theirs = values(first), values(second)
    assert len(ours) == 4 * len(NAMES)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert np.array_equal(array, theirs[name]), name


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_killed_again_and_again(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment(*NAMES, name="killed")
    warm = make_experiment(NAMES[0], name="warm")
    reference = make_experiment(*NAMES, name="reference")
    roots = [str(folder.root) for folder in (experiment, warm, reference)]
    finished = subprocess.run(
        [sys.executable, "-c", KILLER, *roots], capture_output=True, text=True, check=True
    )
    rounds = [json.loads(line) for line in finished.stdout.splitlines()]
    partial = [len(round_["state"]) for round_ in rounds if round_["killed"]]
    assert sum(0 < count < 5 * len(NAMES) for count in partial) >= 2, partial
    report = extract_features(experiment, CONFIG, FRAMES, N_FFT)
    assert report.n_made + report.n_kept == len(NAMES)
    for round_ in rounds:
        for path, time_ns in round_["state"].items():
            if path.endswith(".meta.json"):  # this clip was finished: nothing of it was redone
                stem = path.removesuffix(".meta.json")
                for ending in (".soft.pt", ".f0.npy", ".vol.npy", ".spec.pt", ".meta.json"):
                    assert Path(stem + ending).stat().st_mtime_ns == round_["state"][stem + ending]
                assert time_ns == Path(path).stat().st_mtime_ns
    assert not list(experiment.features.rglob(".*.tmp"))
    assert_equal(experiment, reference)


def test_killed_with_workers_none_of_them_lives_on(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment(*NAMES, name="killed")
    reference = make_experiment(*NAMES, name="reference")
    program = PROGRAM + "\nif __name__ == '__main__': extract(sys.argv[1], workers=2)\n"
    script = experiment.root / "program.py"
    script.write_text(program, encoding="utf-8")
    command = [sys.executable, str(script), str(experiment.root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _wait_for(lambda: any(experiment.features.rglob("*.meta.json")))
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive
    kept = {p: p.stat().st_mtime_ns for p in experiment.features.rglob("*.meta.json")}
    assert kept
    report = extract_features(experiment, CONFIG, FRAMES, N_FFT)
    assert report.n_kept >= len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not list(experiment.features.rglob(".*.tmp"))
    extract_features(reference, CONFIG, FRAMES, N_FFT)
    assert_equal(experiment, reference)


def _wait_for(condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)
