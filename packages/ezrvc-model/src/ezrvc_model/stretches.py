"""Long input taken a stretch at a time, which bounds memory and changes no result."""

import torch


def stretches(n_frames: int, size: int) -> list[slice]:
    """Slices of at most `size` frames that follow each other, at least one.

    While a graph is exported its length is a symbol, so there is one slice, of everything.

    Args:
        n_frames: frames in all.
        size: most frames of a slice.
    """
    if torch.compiler.is_exporting():
        return [slice(0, n_frames)]
    return [slice(start, start + size) for start in range(0, max(n_frames, 1), size)]
