"""What is random about a training step, as a function of the seed, the step and the clip."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ezrvc_device.seeding import seed_everything

_WORD = 0xFFFFFFFF
_STRIDE = 0x9E3779B9
"""2^32 divided by the golden ratio: multiples of it are spread evenly over the words."""
_FRACTION_BITS = 23
"""One less than a float32 holds, so that the middles between such fractions are exact too."""


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Seed the global generators (dropout draws from them) for one step of one process.

    Seeding every step anew makes a resumed run draw what an uninterrupted one draws, on any
    device, without a saved generator state.
    """
    seed_everything(int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint32)[0]))


class KeyedNoise:
    """Noise in which each item of a batch has its own; a `ezrvc_model.noise.Noise`.

    A value is a hash of the item's key, the number of the draw and the value's place in the item,
    so it depends neither on the other items of the batch, nor on how far the batch is filled up,
    nor on the device. Nothing is read back from the device, and nothing is remembered beside the
    number of the draw.

    The hash is Wellons' 32-bit integer hash "lowbias32" (2018), applied once for each axis.

    Args:
        keys: of the items, (batch,) int64, at least 0.
    """

    def __init__(self, keys: torch.Tensor) -> None:
        self._low, self._high = keys & _WORD, keys >> 32
        self._draws = 0

    def normal(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
        """Independent draws from the standard normal distribution, up to 5.3 deviations."""
        words = self._words(shape, like.device)
        # twice the fraction less one, exactly: the sum needs no more digits than there are
        within = torch.add(2.0**-_FRACTION_BITS - 1, words, alpha=2.0 ** (1 - _FRACTION_BITS))
        return (torch.erfinv(within) * math.sqrt(2)).to(like)

    def uniform(
        self, shape: Sequence[int], like: torch.Tensor, *, low: float = 0.0, high: float = 1.0
    ) -> torch.Tensor:
        """Independent draws from between low and high."""
        # odd multiples of 2^-24: never 0, never 1
        fractions = (self._words(shape, like.device) + 0.5) * 2.0**-_FRACTION_BITS
        return (low + (high - low) * fractions).to(like)

    def _words(self, shape: Sequence[int], device: torch.device) -> torch.Tensor:
        """Whole numbers below 2^23, as float32."""
        if not shape or shape[0] != len(self._low):
            raise ValueError(f"noise for {len(self._low)} items cannot have shape {tuple(shape)}")
        self._draws += 1
        low, high = self._low.to(device), self._high.to(device)
        return _hash_of_places(low + self._draws * _STRIDE, high, shape[1:])


# one operation to compilers: Inductor of PyTorch 2.11 makes no CUDA kernel of what it consists of
@torch.library.custom_op("ezrvc::hash_of_places", mutates_args=())
def _hash_of_places(low: torch.Tensor, high: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Whole numbers below 2^23, as float32: one for each place in each item."""
    words = _hash(_hash(low) + high)
    for size in sizes:
        places = torch.arange(_STRIDE, _STRIDE * (size + 1), _STRIDE, device=words.device)
        words = _hash(words.unsqueeze(-1) + places)
    return (words >> (32 - _FRACTION_BITS)).float()


@_hash_of_places.register_fake
def _(low: torch.Tensor, high: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    return torch.empty((len(low), *sizes), dtype=torch.float32, device=low.device)


def _hash(words: torch.Tensor) -> torch.Tensor:
    """Whole numbers to well-mixed 32-bit words, as int64."""
    words = words & _WORD
    words = ((words ^ (words >> 16)) * 0x7FEB352D) & _WORD
    words = ((words ^ (words >> 15)) * 0x846CA68B) & _WORD
    return words ^ (words >> 16)
