"""What tests of the whole product share: the command in-process, a small voice, bad files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write

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
        """What `--json` printed."""
        return json.loads(self.out)

    @property
    def errors(self) -> list[str]:
        """The lines that say what went wrong."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


Command = Callable[..., Finished]


def check_one_clear_line(finished: Finished, *words: str) -> None:
    """Assert that a command failed with one line that holds the words, and no traceback."""
    assert finished.code == 1, finished
    assert len(finished.errors) == 1, finished.err
    assert "Traceback" not in finished.err + finished.out
    assert "unexpected" not in finished.errors[0]
    for word in words:
        assert word in finished.errors[0]


def write_empty(path: Path) -> None:
    """A file of no bytes."""
    path.write_bytes(b"")


def write_words(path: Path) -> None:
    """A file that is text, whatever its name says."""
    path.write_bytes(b"these are words, not sound\n" * 50)


def write_truncated(path: Path) -> None:
    """A WAV file that ends inside its header."""
    write(path, speech_like(1.0, 24000))
    path.write_bytes(path.read_bytes()[:30])


def write_not_a_number(path: Path) -> None:
    """A float WAV file with a NaN in it."""
    samples = speech_like(1.0, 24000).samples.copy()
    samples[0, 100] = np.nan
    soundfile.write(path, samples.T, 24000, subtype="FLOAT")


def write_too_short(path: Path) -> None:
    """A file of 4 ms."""
    write(path, Waveform(np.full((1, 100), 0.1, np.float32), 24000))


BAD_FILES = [write_empty, write_words, write_truncated, write_not_a_number, write_too_short]
"""Writers of files that are no usable sound."""
