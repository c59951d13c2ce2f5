"""SIGKILL at any moment in any stage, then the same command again.

It completes, redoes nothing that was finished, and leaves no broken file.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open

from ezrvc_audio.testing import write_corpus

MOMENTS_S = (0.15, 6.0)
"""The kill comes this long after the stage's first sign of life."""


def command(*arguments: str | Path) -> list[str]:
    code = "from ezrvc_cli.main import main; main()"
    return [sys.executable, "-c", code, *map(str, arguments)]


def run_to_the_end(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False)


def kill_after(seconds: float, *arguments: str | Path) -> bool:
    """Start the command, kill it and its children after `seconds`; False: it was done before."""
    with subprocess.Popen(
        command(*arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True


def moments(how_many: int, seconds: float, seed: int) -> Iterator[float]:
    """Random moments, spread over the stage: one in each of equal parts of its time."""
    chance = random.Random(seed)
    for part in range(how_many):
        yield seconds * (part + chance.random()) / how_many


def check_every_file_is_whole(root: Path) -> None:
    for path in root.rglob("*.*"):
        if path.is_dir() or path.name.startswith("."):
            continue
        if path.suffix == ".wav":
            assert soundfile.info(path).frames > 0
        elif path.suffix == ".npy":
            np.load(path)
        elif path.suffix == ".pt":
            torch.load(path, weights_only=True)
        elif path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        elif path.suffix == ".safetensors":
            with safe_open(path, "pt") as tensors:
                for key in tensors.keys():  # noqa: SIM118 - not a mapping
                    tensors.get_tensor(key)


def finished_artefacts(root: Path, patterns: list[str]) -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns
        for pattern in patterns
        for path in root.rglob(pattern)
        if not path.name.startswith(".")
    }


@pytest.fixture
def small_home(home: Path) -> Path:
    write_corpus(home / "data/raw", ["ada"], n_recordings=4, duration_s=6.0, sample_rate=24000)
    return home


@pytest.mark.timeout(400)
def test_preprocess_killed_again_and_again(small_home: Path, small_voice: Path) -> None:
    arguments = ["preprocess", "--speaker", "ada", "--preset", "tiny", "--config", small_voice]
    experiment = small_home / "data/processed/ada"
    began = time.monotonic()
    reference = small_home.with_name("reference")
    whole = subprocess.run(
        command(*arguments),
        env={**os.environ, "EZRVC_HOME": str(_copy_raw(small_home, reference))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert whole.returncode == 0, whole.stderr
    duration_s = time.monotonic() - began
    kept: dict[Path, int] = {}
    for moment in moments(3, duration_s, seed=1):
        kill_after(moment, *arguments)
        check_every_file_is_whole(experiment)
        # a clip is finished when its source's record says so; a feature when its clip's does
        kept |= finished_artefacts(experiment, ["*.meta.json"])
    finished = run_to_the_end(*arguments)
    assert finished.returncode == 0, finished.stderr
    for path, time_ns in kept.items():
        if path.exists():
            assert path.stat().st_mtime_ns == time_ns
    check_every_file_is_whole(experiment)
    same = reference / "data/processed/ada"
    assert (experiment / "manifest.jsonl").read_bytes() == (same / "manifest.jsonl").read_bytes()
    assert _names(experiment) == _names(same)
    for path in same.rglob("*.f0.npy"):
        assert np.array_equal(np.load(path), np.load(experiment / path.relative_to(same)))


@pytest.mark.timeout(400)
def test_training_killed_again_and_again(small_home: Path, small_voice: Path) -> None:
    arguments = ["preprocess", "--speaker", "ada", "--preset", "tiny", "--config", small_voice]
    assert run_to_the_end(*arguments).returncode == 0
    run = small_home / "models/ada"
    train = ["train", "--steps", "60", "--set", "train.checkpoint_every=2"]
    for moment in moments(2, 14.0, seed=2):
        newest = _newest_step(run)
        killed = kill_after(moment, *train)
        check_every_file_is_whole(run)
        assert _newest_step(run) >= newest
        if not killed:
            break
    before = _newest_step(run)
    finished = run_to_the_end(*train, "--json")
    assert finished.returncode == 0, finished.stderr
    result = json.loads(finished.stdout)
    assert result["steps"] == 60
    assert result["resumed_from"] == (before or None)
    steps = [
        json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()
    ]
    assert steps == sorted(set(steps))
    check_every_file_is_whole(run)


@pytest.mark.timeout(400)
def test_convert_killed_again_and_again(small_home: Path, small_voice: Path) -> None:
    arguments = ["preprocess", "--speaker", "ada", "--preset", "tiny", "--config", small_voice]
    assert run_to_the_end(*arguments).returncode == 0
    assert run_to_the_end("train", "--steps", "1").returncode == 0
    source = next((small_home / "data/raw/ada").iterdir())
    convert = ["convert", source, "-o", small_home / "out.wav"]
    began = time.monotonic()
    assert run_to_the_end(*convert).returncode == 0
    duration_s = time.monotonic() - began
    whole = (small_home / "out.wav").read_bytes()
    (small_home / "out.wav").unlink()
    for moment in moments(2, duration_s, seed=3):
        kill_after(moment, *convert)
        if (small_home / "out.wav").exists():  # it may be done just before the process ends
            assert (small_home / "out.wav").read_bytes() == whole
            (small_home / "out.wav").unlink()
    assert run_to_the_end(*convert).returncode == 0
    assert (small_home / "out.wav").read_bytes() == whole
    assert [path.name for path in small_home.glob(".*.tmp")] == []


def _copy_raw(home: Path, reference: Path) -> Path:
    for path in (home / "data/raw/ada").iterdir():
        target = reference / "data/raw/ada" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return reference


def _names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def _newest_step(run: Path) -> int:
    steps = [int(path.name.removeprefix("step-")) for path in run.glob("checkpoints/step-*")]
    return max(steps, default=0)
