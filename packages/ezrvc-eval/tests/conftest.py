"""What the tests share: no network, and a few recordings."""

from pathlib import Path

import pytest

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_eval.items import EvaluationItem


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU, without the network, with a cache of its own."""
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EZRVC_DEVICE", "cpu")
    monkeypatch.setenv("EZRVC_OFFLINE", "1")


@pytest.fixture
def recordings(tmp_path: Path) -> list[EvaluationItem]:
    """Three short recordings, each its own reference."""
    items: list[EvaluationItem] = []
    for number in range(3):
        path = tmp_path / "sound" / f"{number}.wav"
        write(path, speech_like(1.0, 16000, seed=number))
        items.append(EvaluationItem(name=path.name, converted=path, reference=path))
    return items
