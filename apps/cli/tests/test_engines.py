"""`ezrvc preprocess`: what is said before anything long is begun."""

import sys
from pathlib import Path

import pytest

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_cli.main import main


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    monkeypatch.setenv("EZRVC_DEVICE", "cpu")
    monkeypatch.setenv("EZRVC_OFFLINE", "1")
    write(tmp_path / "data" / "raw" / "ada" / "a.wav", speech_like(4.0, 16000))


def test_ray_that_is_missing_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit) as stop:
        main(["preprocess", "--speaker", "ada", "--preset", "tiny", "--engine", "ray"])
    assert stop.value.code == 1
    (line,) = [each for each in capsys.readouterr().err.splitlines() if each.startswith("error:")]
    assert "pip install 'ezrvc-features[ray]'" in line
    assert not (tmp_path / "data" / "processed" / "ada").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--encoder", "hubert-soft"], "the weights of hubert-soft (378 MB) are not here"),
        (["--f0", "rmvpe"], "the weights of rmvpe (181 MB) are not here"),
        (["--device", "cuda:7"], "cuda:7"),
    ],
)
def test_what_features_need_is_looked_for_before_recordings_are_cut(
    arguments: list[str], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["preprocess", "--speaker", "ada", "--preset", "tiny", *arguments])
    assert stop.value.code == 1
    (line,) = [each for each in capsys.readouterr().err.splitlines() if each.startswith("error:")]
    assert problem in line
    assert not (tmp_path / "data" / "processed" / "ada").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--address", "head:6379"], "it goes with --engine ray"),
        (["--engine", "spark"], "'spark' is not one of 'local', 'ray'"),
    ],
)
def test_engines_that_do_not_fit_are_refused(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["preprocess", "--speaker", "ada", *arguments])
    assert stop.value.code == 2
    assert problem in " ".join(capsys.readouterr().err.split())
