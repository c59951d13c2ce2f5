"""The gate of WaveNet, shared by every network that is steered by a speaker."""

import torch

from ezrvc_model.convolution import split_channels


def gated(x: torch.Tensor) -> torch.Tensor:
    """One half of the channels, squashed, times the other half as a gate.

    van den Oord et al., "Conditional Image Generation with PixelCNN Decoders" (2016), eq. 2.

    Args:
        x: (batch, 2 * channels, n_frames).

    Returns:
        (batch, channels, n_frames).
    """
    values, gates = split_channels(x, x.shape[1] // 2)
    return values.tanh() * gates.sigmoid()
