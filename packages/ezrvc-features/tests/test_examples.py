"""The examples, run as a user of this package alone would run them."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EZRVC_DEVICE", "cpu")


def run(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert len(list(EXAMPLES.glob("*.py"))) == 3
    assert all(f'"{path.name}"' in text for path in EXAMPLES.glob("*.py"))


def test_an_array(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run("numpy_in.py", monkeypatch)
    assert capsys.readouterr().out.splitlines() == [
        "content (80, 50)",
        "pitch (86,), 220 Hz where voiced",
    ]


def test_tensors(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run("tensor_in.py", monkeypatch)
    assert capsys.readouterr().out.splitlines() == ["batch (2, 80, 50) frames [50, 40]"]


def test_a_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "in" / "a.wav", speech_like(1.0, 44100))
    write(tmp_path / "in" / "b.flac", speech_like(0.5, 16000))
    run("folder_in.py", monkeypatch, str(tmp_path / "in"), str(tmp_path / "out"))
    assert capsys.readouterr().out.splitlines() == [
        "a.wav: content (80, 50), pitch (86,)",
        "b.flac: content (80, 25), pitch (43,)",
    ]
    with np.load(tmp_path / "out" / "a.wav.npz") as features:
        assert features["content"].shape == (80, 50)
        assert features["f0_hz"].shape == (86,)
