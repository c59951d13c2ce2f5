"""What the tests that cross packages share: a home of their own and the command in-process."""

from pathlib import Path

import pytest

from ezrvc_cli.main import main
from ezrvc_cli.testing import SMALL_VOICE, Command, Finished


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, on the CPU, without the network."""
    root = tmp_path / "home"
    root.mkdir()
    monkeypatch.setenv("EZRVC_HOME", str(root))
    monkeypatch.setenv("EZRVC_DEVICE", "cpu")
    monkeypatch.setenv("EZRVC_OFFLINE", "1")
    monkeypatch.delenv("EZRVC_DEBUG", raising=False)
    return root


@pytest.fixture
def small_voice(tmp_path: Path) -> Path:
    """A configuration file for a network that trains in a moment; lies over preset tiny."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_VOICE, encoding="utf-8")
    return path


@pytest.fixture
def ezrvc(home: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `ezrvc` with arguments in this process."""

    def run(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Finished(int(stop.value.code or 0), captured.out, captured.err)

    return run
