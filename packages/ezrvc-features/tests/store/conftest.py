"""Small experiments with real clips."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip, write_manifest
from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write

MakeExperiment = Callable[..., ExperimentFolder]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EZRVC_DEVICE", "cpu")
    monkeypatch.setenv("EZRVC_OFFLINE", "1")


@pytest.fixture
def make_experiment(tmp_path: Path) -> MakeExperiment:
    """Write clips and their manifest; names may hold anything a file name may."""

    def make(
        *names: str, name: str = "ada", sample_rate: int = 16_000, duration_s: float = 0.6
    ) -> ExperimentFolder:
        experiment = ExperimentFolder(tmp_path / name)
        clips: list[Clip] = []
        for number, clip_name in enumerate(names):
            path = f"audio/ada/{clip_name}.wav"
            write(experiment.root / path, speech_like(duration_s, sample_rate, seed=number))
            digest = hashlib.sha256((experiment.root / path).read_bytes()).hexdigest()
            clips.append(
                Clip(
                    path=path,
                    speaker="ada",
                    source="take.wav",
                    start_s=0.0,
                    end_s=duration_s,
                    sha256=digest,
                )
            )
        write_manifest(experiment.manifest, clips)
        return experiment

    return make
