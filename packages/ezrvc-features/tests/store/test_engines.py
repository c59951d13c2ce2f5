"""Whoever does the work, the same files: threads, worker processes, Ray; and what each needs."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest
from ezrvc_features.config import F0Config, FeatureConfig
from ezrvc_features.errors import FeatureError
from ezrvc_features.extraction import extract_features
from ezrvc_features.frames import FrameSpec
from ezrvc_features.testing.checkpoints import write_hubert_soft

MakeExperiment = Callable[..., ExperimentFolder]

FRAMES = FrameSpec(16_000, 200)
N_FFT = 512
NAMES = ("a", "b", "c", "d", "e")


def contents(experiment: ExperimentFolder) -> dict[str, bytes]:
    """Every feature file with its bytes."""
    found = {path.name: path.read_bytes() for path in experiment.features.rglob("*.*")}
    assert len(found) == 5 * len(NAMES)
    return found


@pytest.fixture
def config(tmp_path: Path) -> FeatureConfig:
    weights = write_hubert_soft(tmp_path / "soft.pt")
    return FeatureConfig(encoder="hubert-soft", encoder_weights=str(weights))


@pytest.mark.parametrize("workers", [2, 4])
def test_threads_make_the_same_files(
    make_experiment: MakeExperiment, config: FeatureConfig, workers: int
) -> None:
    one, several = make_experiment(*NAMES, name="one"), make_experiment(*NAMES, name="several")
    n_threads = torch.get_num_threads()
    extract_features(one, config, FRAMES, N_FFT, workers=1)
    report = extract_features(several, config, FRAMES, N_FFT, workers=workers)
    assert report.n_made == len(NAMES)
    assert contents(one) == contents(several)
    assert torch.get_num_threads() == n_threads


def test_processes_make_the_same_files(
    make_experiment: MakeExperiment, config: FeatureConfig
) -> None:
    config = config.model_copy(update={"f0": F0Config(method="pm")})  # which needs processes
    one, several = make_experiment(*NAMES, name="one"), make_experiment(*NAMES, name="several")
    extract_features(one, config, FRAMES, N_FFT, workers=1)
    extract_features(several, config, FRAMES, N_FFT, workers=2)
    assert contents(one) == contents(several)


RAY_PROGRAM = """
import sys
from pathlib import Path
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_features.extraction import extract_features
from ezrvc_features.frames import FrameSpec

config = FeatureConfig(encoder="hubert-soft", encoder_weights=sys.argv[2])
report = extract_features(
    ExperimentFolder(Path(sys.argv[1])), config, FrameSpec(16_000, 200), 512,
    engine="ray", workers=2, address=sys.argv[4] if len(sys.argv) > 4 else None,
)
assert str((report.n_made, report.n_kept, len(report.failures))) == sys.argv[3], report
assert all(path == "audio/ada/broken.wav" for path, _ in report.failures)
import ray
assert not ray.is_initialized()
"""


@pytest.mark.slow
def test_ray_makes_the_same_files_quietly(
    make_experiment: MakeExperiment,
    config: FeatureConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reference = make_experiment(*NAMES, name="reference")
    extract_features(reference, config, FRAMES, N_FFT)
    experiment = make_experiment(*NAMES[:1], name="ray")
    extract_features(experiment, config, FRAMES, N_FFT)  # so that it goes on with the rest
    experiment = make_experiment(*NAMES, "broken", name="ray")
    assert len(read_manifest(experiment.manifest)) == len(NAMES) + 1
    (experiment.audio / "ada" / "broken.wav").write_bytes(b"no sound")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    run_ray_program(experiment, config)
    assert contents(experiment) == contents(reference)
    assert not (tmp_path / "user" / ".ray").exists()


@pytest.mark.slow
def test_a_running_cluster_makes_the_same_files_and_stays(
    make_experiment: MakeExperiment, config: FeatureConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which lets in only who has its token, as Ray's clusters do by themselves."""
    reference, experiment = (make_experiment(*NAMES, name=name) for name in ("one", "ray"))
    extract_features(reference, config, FRAMES, N_FFT)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    with running_cluster() as (address, head):
        run_ray_program(experiment, config, address, expected="(5, 0, 0)")
        assert head.poll() is None
    assert contents(experiment) == contents(reference)


@contextmanager
def running_cluster() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Ray cluster of this machine alone: its address, and the process that holds it."""
    with socket.socket() as free, tempfile.TemporaryDirectory(prefix="ray-") as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [
            sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block",
            f"--port={port}", "--num-cpus=2", "--include-dashboard=false",
            "--disable-usage-stats", f"--temp-dir={folder}", "--object-store-memory=80000000",
        ]  # fmt: skip
        head = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            assert head.stdout is not None
            assert any(b"block forever" in line for line in head.stdout)
            yield f"127.0.0.1:{port}", head
        finally:
            head.terminate()
            head.communicate()


def run_ray_program(
    experiment: ExperimentFolder,
    config: FeatureConfig,
    *address: str,
    expected: str = "(4, 1, 1)",
) -> None:
    """Run `RAY_PROGRAM`: it makes, keeps and fails as many clips as expected, and says nothing."""
    arguments = [str(experiment.root), str(config.encoder_weights), expected, *address]
    finished = subprocess.run(
        [sys.executable, "-c", RAY_PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert (finished.stdout, finished.stderr) == ("", "")


def test_ray_that_is_not_installed_is_asked_for(
    make_experiment: MakeExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    experiment = make_experiment("a")
    with pytest.raises(FeatureError, match=r"pip install 'ezrvc-features\[ray\]'") as caught:
        extract_features(experiment, FeatureConfig(), FRAMES, N_FFT, engine="ray")
    assert "\n" not in str(caught.value)
    assert not experiment.features.exists()


def test_an_address_is_for_ray(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a")
    with pytest.raises(FeatureError, match=r"address 'head:6379' .* needs engine 'ray'"):
        extract_features(experiment, FeatureConfig(), FRAMES, N_FFT, address="head:6379")


def test_a_cluster_that_does_not_answer_is_named(make_experiment: MakeExperiment) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = f"127.0.0.1:{port}"  # nobody listens there
    experiment = make_experiment("a")
    with pytest.raises(FeatureError, match=f"no Ray cluster answers at {address}: .*refused"):
        extract_features(experiment, FeatureConfig(), FRAMES, N_FFT, engine="ray", address=address)


@pytest.mark.parametrize(
    ("address", "ending"),
    [
        (None, "on this machine: it will not"),
        ("auto", "RAY_AUTH_TOKEN where this machine has none"),
    ],
)
def test_ray_that_does_not_start_or_let_in_is_one_line(
    make_experiment: MakeExperiment,
    monkeypatch: pytest.MonkeyPatch,
    address: str | None,
    ending: str,
) -> None:
    class Refusing:
        @staticmethod
        def init(**_: object) -> None:
            raise Exception("it will\nnot")  # Ray raises such plain ones

    for module in ("batch", "ray_actors"):
        monkeypatch.setattr(f"ezrvc_features.extraction.{module}.require_ray", lambda: Refusing)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "kept as it is")
    with pytest.raises(FeatureError, match="Ray cannot be used on ") as caught:
        extract_features(
            make_experiment("a"), FeatureConfig(), FRAMES, N_FFT, engine="ray", address=address
        )
    assert str(caught.value).endswith(ending)
    assert "\n" not in str(caught.value)
