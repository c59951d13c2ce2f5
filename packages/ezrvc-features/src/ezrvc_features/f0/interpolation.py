"""A continuous pitch curve through unvoiced frames."""

import numpy as np
from numpy.typing import NDArray


def interpolate_unvoiced(
    hz: NDArray[np.floating], voiced: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Join voiced frames by straight lines (in Hz) across the unvoiced ones between them.

    Before the first and after the last voiced frame its value is held. Without any voiced frame
    the curve is 0 throughout.

    Args:
        hz: (n_frames,).
        voiced: (n_frames,); values of hz where it is False are ignored.

    Returns:
        float32, (n_frames,).
    """
    known = np.flatnonzero(voiced)
    if known.size == 0:
        return np.zeros(hz.shape, dtype=np.float32)
    return np.interp(np.arange(hz.size), known, hz[known]).astype(np.float32)
