"""The scale on which F0 is predicted."""

import math

import torch

STEPS_PER_DECADE = 2595 / 500
"""A mel scale (2595 log10(1 + f / 700)), in units of 500 mel."""
CORNER_HZ = 700.0


def log_f0(f0: torch.Tensor) -> torch.Tensor:
    """Hz to the scale of the F0 decoder."""
    return STEPS_PER_DECADE * torch.log10(1 + f0 / CORNER_HZ)


def f0_of(value: torch.Tensor) -> torch.Tensor:
    """The scale of the F0 decoder to Hz."""
    return CORNER_HZ * torch.expm1(value * (math.log(10) / STEPS_PER_DECADE))


def centre(
    value: torch.Tensor, voiced: torch.Tensor, mask: torch.Tensor, scale: torch.Tensor | None = None
) -> torch.Tensor:
    """Take the mean of the voiced frames away, so that only the melody's shape is left.

    Args:
        value: on the decoder's scale, (batch, n_frames).
        voiced: (batch, n_frames), 1 or 0; where nothing is voiced, 0 counts as the mean.
        mask: (batch, n_frames).
        scale: factor for each item, (batch, 1).

    Returns:
        (batch, n_frames), 0 at padded frames.
    """
    n_voiced = voiced.sum(dim=1, keepdim=True).clamp(min=1)
    centred = value - (value * voiced).sum(dim=1, keepdim=True) / n_voiced
    if scale is not None:
        centred = centred * scale
    return centred * mask
