"""Pitch as one of 255 classes, for embeddings."""

import math
from typing import Literal

import torch

N_COARSE_BINS = 256
"""Size of an embedding table over coarse pitch; class 0 is normally unused."""
COARSE_MIN_HZ = 50.0
"""Pitch of class 1; everything below falls into it, unvoiced frames too."""
COARSE_MAX_HZ = 1100.0
"""Pitch of class 255."""


def coarse_f0(f0: torch.Tensor, *, overflow: Literal["clamp", "zero"] = "clamp") -> torch.Tensor:
    """The class, 1 to 255, of each pitch: equal steps on the scale 1127 ln(1 + f / 700).

    The classes of so-vits-svc and RVC. Above 1103 Hz the two differ: RVC keeps class 255
    ("clamp"); so-vits-svc 4.1 gives class 0 ("zero"), whose embedding its own training never
    meets, so that "clamp" is the better choice even for its models.

    Args:
        f0: Hz, any shape; 0 is unvoiced and falls into class 1.
        overflow: the class of pitches above the highest class.

    Returns:
        int64, the shape of f0.
    """
    low, high = _mel(COARSE_MIN_HZ), _mel(COARSE_MAX_HZ)
    steps_per_mel = (N_COARSE_BINS - 2) / (high - low)
    mel = 1127 * (1 + f0 / 700).log()
    position = (mel * steps_per_mel - (low * steps_per_mel - 1)).round().long().clamp(min=1)
    if overflow == "zero":
        return position * (position < N_COARSE_BINS)
    return position.clamp(max=N_COARSE_BINS - 1)


def _mel(hz: float) -> float:
    return 1127 * math.log1p(hz / 700)
