"""What the tests that cross packages share: a home of their own and the command in-process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ezrvc_cli.main import main

SMALL_VOICE = """\
model:
  inter_channels: 16
  hidden_channels: 16
  filter_channels: 32
  speaker_dim: 8
  n_layers: 1
  posterior_layers: 1
  n_couplings: 2
  flow_layers: 1
  decoder:
    upsample_initial_channels: 32
    resblock_kernel_sizes: [3]
    resblock_dilations: [[1, 3]]
train:
  batch_size: 2
  segment_frames: 8
  max_clip_frames: 64
  max_steps: 2
  checkpoint_every: 1
  log_every: 1
"""


@dataclass(frozen=True)
class Finished:
    """A command that ran: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Finished]


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
