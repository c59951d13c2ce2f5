"""Which frames of a padded batch are real."""

import torch


def frame_mask(lengths: torch.Tensor, n_frames: int, dtype: torch.dtype) -> torch.Tensor:
    """1 for real frames, 0 for padding.

    Args:
        lengths: (batch,), frames of each item.
        n_frames: frames of the padded batch.
        dtype: of the mask.

    Returns:
        (batch, 1, n_frames).
    """
    positions = torch.arange(n_frames, device=lengths.device)
    return (positions < lengths[:, None]).unsqueeze(1).to(dtype)
