"""Where the network's randomness comes from: passed in, so that a run can be repeated or silenced.

Nothing in the network calls a random generator of its own. Everything random (the sample from
the prior, the source's phases and hiss, the places training slices at) is drawn through `Noise`.
"""

from collections.abc import Sequence
from typing import Protocol

import torch

from ezrvc_model.errors import ModelError


class Noise(Protocol):
    """Draws random tensors with the type and device of another tensor."""

    def normal(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
        """Independent draws from the standard normal distribution."""
        ...

    def uniform(
        self, shape: Sequence[int], like: torch.Tensor, *, low: float = 0.0, high: float = 1.0
    ) -> torch.Tensor:
        """Independent draws from [low, high), an interval that holds 0."""
        ...


class TorchNoise:
    """Noise from a torch generator.

    Args:
        generator: drawn on its own device and moved to where it is needed, so that one seed gives
            one result on every device; None: the default generator of the device in use.
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        self.generator = generator

    @classmethod
    def seeded(cls, seed: int, device: torch.device | str = "cpu") -> "TorchNoise":
        """Noise that always begins with the same draws."""
        return cls(torch.Generator(device).manual_seed(seed))

    def normal(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
        """Independent draws from the standard normal distribution."""
        drawn = torch.randn(tuple(shape), generator=self.generator, device=self._device(like))
        return drawn.to(like)

    def uniform(
        self, shape: Sequence[int], like: torch.Tensor, *, low: float = 0.0, high: float = 1.0
    ) -> torch.Tensor:
        """Independent draws from [low, high)."""
        drawn = torch.rand(tuple(shape), generator=self.generator, device=self._device(like))
        return (low + (high - low) * drawn).to(like)

    def _device(self, like: torch.Tensor) -> torch.device:
        return like.device if self.generator is None else self.generator.device


class ZeroNoise:
    """Zeros for every draw: the network's most likely answer, the same each time."""

    def normal(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
        """Zeros."""
        return torch.zeros(tuple(shape), dtype=like.dtype, device=like.device)

    def uniform(
        self, shape: Sequence[int], like: torch.Tensor, *, low: float = 0.0, high: float = 1.0
    ) -> torch.Tensor:
        """Zeros, which every interval asked for holds."""
        return torch.zeros(tuple(shape), dtype=like.dtype, device=like.device)


class GivenNoise:
    """Draws that were made beforehand, handed out in order along one axis.

    Args:
        draws: of the standard normal distribution, as many as will be asked for.
        axis: along which they are handed out.
    """

    def __init__(self, draws: torch.Tensor, axis: int) -> None:
        self._draws = draws
        self._axis = axis
        self._position = 0

    def normal(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
        """The next of the given draws."""
        count, total = shape[self._axis], self._draws.shape[self._axis]
        if count == total:  # nothing to cut: an exported graph could not
            return self._draws.to(like)
        part = self._draws.narrow(self._axis, self._position, count)
        self._position += count
        return part.to(like)

    def uniform(
        self, shape: Sequence[int], like: torch.Tensor, *, low: float = 0.0, high: float = 1.0
    ) -> torch.Tensor:
        """Refuse: only normal draws were given."""
        raise ModelError("only normal draws were given; give the phases of the source as well")
