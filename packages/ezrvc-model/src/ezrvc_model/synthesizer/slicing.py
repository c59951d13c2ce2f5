"""Short slices of long sequences, as training decodes them."""

import torch

from ezrvc_model.errors import ModelError
from ezrvc_model.noise import Noise


def draw_starts(lengths: torch.Tensor, slice_length: int, noise: Noise) -> torch.Tensor:
    """Where to cut a slice from each item, every possible place equally likely.

    Args:
        lengths: (batch,), frames of each item.
        slice_length: frames.
        noise: draws one number for each item.

    Returns:
        (batch,) int64.

    Raises:
        ModelError: an item is shorter than the slice. Found on the CPU only: an accelerator would
            have to be waited for.
    """
    n_places = lengths - slice_length + 1
    if lengths.device.type == "cpu" and bool((n_places < 1).any()):
        raise ModelError(
            f"a clip of {int(lengths.min())} frames is shorter than the slice of {slice_length} "
            "frames that training decodes: leave it out or shorten segment_frames"
        )
    drawn = noise.uniform(lengths.shape, lengths.new_zeros((), dtype=torch.float32))
    return torch.minimum((drawn * n_places).long(), n_places - 1).clamp(min=0)


def take_slices(x: torch.Tensor, starts: torch.Tensor, slice_length: int) -> torch.Tensor:
    """Cut one slice from the last axis of each item.

    Args:
        x: (batch, ..., n_steps).
        starts: (batch,) int64.
        slice_length: steps.

    Returns:
        (batch, ..., slice_length).
    """
    steps = starts[:, None] + torch.arange(slice_length, device=x.device)
    steps = steps.view(len(starts), *[1] * (x.ndim - 2), slice_length)
    return x.gather(-1, steps.expand(*x.shape[:-1], slice_length))
