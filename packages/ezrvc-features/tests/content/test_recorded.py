"""HuBERT-Soft against what the program of its authors computed, at the published size.

The recording holds half a second of sound, the units that the original program made of it, and the
names and shapes of its tensors. The weights are not kept: each tensor is drawn from a generator
seeded by its name.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch

from ezrvc_audio.waveform import Waveform
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.batching import encode_batch
from ezrvc_features.content.registry import load_encoder

RECORDED = np.load(Path(__file__).parent / "recorded" / "hubert_soft.npz", allow_pickle=False)
SPOKEN = Waveform(RECORDED["samples"], 16_000)
UNITS = torch.from_numpy(RECORDED["units"]).T  # (256, 25)


def drawn(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The tensor of this name, as it was drawn for the recording."""
    generator = np.random.RandomState(zlib.crc32(name.encode()))  # its numbers never change
    values = generator.standard_normal(shape).astype(np.float32)
    if name.endswith("bias"):
        values *= np.float32(0.05)
    elif name.endswith("weight_g") or len(shape) == 1:
        values = 1 + np.float32(0.1) * values
    else:
        values /= np.float32(np.sqrt(np.prod(shape[1:])))
    return torch.from_numpy(values)


@pytest.fixture(scope="module")
def encoder() -> Iterator[ContentEncoder]:
    """The network of the recording, from a checkpoint as its authors publish theirs."""
    state = {
        name: drawn(name, tuple(map(int, shape.split())))
        for name, shape in zip(RECORDED["names"].tolist(), RECORDED["shapes"].tolist(), strict=True)
    }
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EZRVC_HOME", folder)  # 0.8 GB that must not outlive the test
        path = Path(folder) / "hubert-soft.pt"
        torch.save({"hubert": {f"module.{name}": tensor for name, tensor in state.items()}}, path)
        yield load_encoder("hubert-soft", weights=path, device="cpu")


def test_units_are_those_of_the_original_program(encoder: ContentEncoder) -> None:
    """Measured 2.2e-6 beside units of up to 3."""
    torch.testing.assert_close(encoder.encode(SPOKEN), UNITS, rtol=0, atol=2e-5)


def test_units_are_those_of_the_original_program_in_a_batch(encoder: ContentEncoder) -> None:
    """Beside other sounds, one of them of the same length."""
    sounds = [Waveform(SPOKEN.samples[:, ::-1].copy(), 16_000), SPOKEN, SPOKEN.cut(0, 5000)]
    units = encode_batch(encoder, sounds)[1]
    torch.testing.assert_close(units, UNITS, rtol=0, atol=2e-5)
