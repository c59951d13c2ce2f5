"""Noise that depends on where in the recording it falls, not on how the recording is cut."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

_TILE_VALUES = 1 << 16
"""About as many values are drawn at once."""


class PositionedNoise:
    """Draws for positions of a recording; a `ezrvc_model.noise.Noise`.

    One axis of every normal draw is positions (frames or samples). The line of positions is cut
    into tiles, and each tile is drawn from a generator of its own that is seeded with the tile's
    number, so that two windows agree wherever they overlap.

    Args:
        seed: of the whole conversion.
        start: the position of the first draw; each draw goes on where the one before ended.
        stream: tells the draws of one use from those of another.
        axis: which axis of the shapes is positions.
    """

    def __init__(self, seed: int, start: int, *, stream: int, axis: int) -> None:
        self._seed = seed
        self._position = start
        self._stream = stream
        self._axis = axis

    def normal(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
        """Standard normal draws for the next positions."""
        rest = list(shape)
        n_positions = rest.pop(self._axis)
        n_values = math.prod(rest)  # of each position
        drawn = np.empty((n_positions, n_values), dtype=np.float32)
        tile_length = max(1, _TILE_VALUES // n_values)
        done = 0
        while done < n_positions:
            tile, offset = divmod(self._position + done, tile_length)
            values = self._generator(tile).standard_normal(
                (tile_length, n_values), dtype=np.float32
            )
            count = min(tile_length - offset, n_positions - done)
            drawn[done : done + count] = values[offset : offset + count]
            done += count
        self._position += n_positions
        return _like(np.moveaxis(drawn.reshape(n_positions, *rest), 0, self._axis), like)

    def uniform(
        self, shape: Sequence[int], like: torch.Tensor, *, low: float = 0.0, high: float = 1.0
    ) -> torch.Tensor:
        """Draws from [low, high) that have no position: the same for every window."""
        values = self._generator(-1).random(tuple(shape), dtype=np.float32)
        return _like(low + (high - low) * values, like)

    def _generator(self, tile: int) -> np.random.Generator:
        seeds = np.random.SeedSequence((self._seed, self._stream, tile + 1))
        return np.random.Generator(np.random.Philox(seeds))


def _like(values: NDArray[np.float32], like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(like)
