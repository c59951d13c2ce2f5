"""Protection of voiceless consonants from retrieval."""

import torch

from ezrvc_features.errors import FeatureError

UNPROTECTED = 0.5
"""From this value on nothing is protected, as in RVC."""


def protect_voiceless(
    blended: torch.Tensor, original: torch.Tensor, voiced: torch.Tensor, protect: float
) -> torch.Tensor:
    """Mix retrieved content back with the original where nothing is voiced.

    Breaths and voiceless consonants have few good neighbours and turn harsh when they are moved
    towards them. RVC's rule ("protect consonants"): voiced frames stay as they are; others become
    `protect * blended + (1 - protect) * original`. 0 protects most, 0.5 and above not at all.

    Args:
        blended: content after retrieval, (dim, n_frames).
        original: content before retrieval, (dim, n_frames).
        voiced: bool, (n_frames,).
        protect: within 0 and 0.5.

    Returns:
        (dim, n_frames).

    Raises:
        FeatureError: shapes or `protect` are not these.
    """
    if not 0 <= protect <= UNPROTECTED:
        raise FeatureError(f"protect {protect} must be within 0 and {UNPROTECTED}")
    if blended.shape != original.shape or voiced.shape != blended.shape[-1:]:
        raise FeatureError(
            f"content of shapes {tuple(blended.shape)} and {tuple(original.shape)} and "
            f"{tuple(voiced.shape)} voiced flags are not of the same frames"
        )
    if protect == UNPROTECTED:
        return blended
    mixed = protect * blended + (1 - protect) * original
    return torch.where(voiced.to(device=blended.device, dtype=torch.bool), blended, mixed)
