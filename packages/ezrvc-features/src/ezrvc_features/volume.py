"""How loud each frame is."""

import torch

from ezrvc_features.errors import FeatureError
from ezrvc_features.spectrogram import reflect_pad


def frame_volume(samples: torch.Tensor, hop_length: int) -> torch.Tensor:
    """Root mean square around each frame time, as so-vits-svc 4.1 measures volume.

    Frame i is the RMS of the hop_length samples from `i * hop_length - hop_length // 2`; before
    the first and after the last sample the squares are reflected. A frame therefore depends on
    half a hop to either side only: a window of a long signal that starts at a multiple of
    hop_length gives the whole signal's frames, but for the first and last of the window.

    Args:
        samples: (..., n_samples).
        hop_length: samples from one frame to the next.

    Returns:
        (..., n_samples // hop_length), float32 (float64 for float64 input).

    Raises:
        FeatureError: the input is shorter than one hop.
    """
    n_frames = samples.shape[-1] // hop_length
    if n_frames == 0:
        raise FeatureError(
            f"{samples.shape[-1]} samples are shorter than one frame of {hop_length}: pad them"
        )
    wide = samples if samples.dtype == torch.float64 else samples.float()
    # The last frame ends half a hop after n_frames * hop_length - hop_length // 2.
    power = reflect_pad(wide.square(), hop_length // 2, (hop_length + 1) // 2)
    blocks = power[..., : n_frames * hop_length].unflatten(-1, (n_frames, hop_length))
    return blocks.mean(dim=-1).sqrt()
