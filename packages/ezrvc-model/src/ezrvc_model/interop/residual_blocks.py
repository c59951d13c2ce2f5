"""The residual blocks of a foreign HiFi-GAN, by its configuration and its tensors."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

_CONVOLUTIONS = {True: 3, False: 2}
"""Dilated convolutions of HiFi-GAN's block 1 (each followed by an undilated one) and block 2.

so-vits-svc, RVC and openvpi's vocoders leave what a configuration lists beyond them unread: one of
block 2 often still has the three dilations that block 1 is given.
"""


def residual_blocks(kernel_sizes: Any, dilations: Any, names: Iterable[str]) -> dict[str, Any]:
    """Their part of a decoder's configuration.

    Which block it is, the tensors say: the key `resblock` is a text in some files and a number in
    others, which the programs themselves take for different blocks.

    Args:
        kernel_sizes: as the file states them; checked later.
        dilations: the same.
        names: of the checkpoint's tensors.
    """
    paired = not any(".convs." in name for name in names)
    if isinstance(dilations, list | tuple):
        dilations = [
            list(cast(Sequence[Any], row))[: _CONVOLUTIONS[paired]]
            if isinstance(row, list | tuple)
            else row
            for row in cast(Sequence[Any], dilations)
        ]
    return {
        "resblock_kernel_sizes": kernel_sizes,
        "resblock_dilations": dilations,
        "paired_convolutions": paired,
    }
