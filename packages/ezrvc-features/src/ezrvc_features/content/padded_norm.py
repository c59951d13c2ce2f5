"""The norm over time of HuBERT's first convolution, for sounds of several lengths in one batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import nn

from ezrvc_features.content.hubert_parts import KERNELS_AND_STRIDES

_n_samples: ContextVar[torch.Tensor | None] = ContextVar("n_samples", default=None)
"""Samples of each sound of the batch that is being run; None: none of them is padded."""


class PaddedTimeNorm(nn.Module):
    """A group norm of one channel a group, that leaves out what a sound was padded with.

    Each channel of each sound is brought to mean 0 and variance 1 over time; padding would shift
    both. Without padding it is the norm that it was made of.

    Args:
        norm: the norm, as many groups as channels.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(batch, channels, n_frames), straight after the first convolution, to the same."""
        n_samples = _n_samples.get()
        if n_samples is None:
            return self.norm(hidden)
        kernel, stride = KERNELS_AND_STRIDES[0]
        n_frames = ((n_samples - kernel) // stride + 1)[:, None, None]
        is_sound = torch.arange(hidden.shape[-1], device=hidden.device) < n_frames
        mean = (hidden * is_sound).sum(dim=-1, keepdim=True) / n_frames
        centred = hidden - mean
        variance = (centred.square() * is_sound).sum(dim=-1, keepdim=True) / n_frames
        scaled = centred * (variance + self.norm.eps).rsqrt()
        return scaled * self.norm.weight[:, None] + self.norm.bias[:, None]


@contextmanager
def padded_to_longest(n_samples: torch.Tensor) -> Iterator[None]:
    """Within, this thread's batches hold sounds of so many samples, (batch,)."""
    token = _n_samples.set(n_samples)
    try:
        yield
    finally:
        _n_samples.reset(token)
