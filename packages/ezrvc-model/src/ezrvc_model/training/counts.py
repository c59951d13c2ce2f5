"""What sums over a batch are divided by, so that a batch means the same however it is spread."""

from dataclasses import dataclass
from typing import Self

import torch
from lightning.fabric import Fabric


@dataclass(frozen=True)
class Counts:
    """How much there is in a batch: the mean over the processes.

    Each process divides its own sums by these. The mean over processes of what comes out, which
    is what data-parallel training takes of gradients, is then the mean over the whole batch, even
    where the parts are unequal.

    Attributes:
        frames: that are not padding.
        bands: mel bands that count, over all pieces.
        share: pieces of this process, divided by the mean number; 1 where all have as many.
    """

    frames: torch.Tensor
    bands: torch.Tensor
    share: torch.Tensor

    @classmethod
    def over_processes(cls, fabric: Fabric, mask: torch.Tensor, bands: torch.Tensor) -> Self:
        """Count, and ask the other processes what they have.

        Args:
            fabric: that runs the processes.
            mask: 1 for frames that are not padding, (batch, 1, n_frames).
            bands: 1 for mel bands that count, (batch, n_mels).
        """
        n_pieces = mask.new_full((), len(mask), dtype=torch.float32)
        own = torch.stack([mask.float().sum(), bands.float().sum(), n_pieces])
        frames, all_bands, pieces = mean_over_processes(fabric, own)
        return cls(frames, all_bands, n_pieces / pieces)


def mean_over_processes(fabric: Fabric, values: torch.Tensor) -> torch.Tensor:
    """The mean of each value over all processes; the device is not waited for."""
    if fabric.world_size == 1:
        return values
    reduced = fabric.all_reduce(values.detach().clone(), reduce_op="mean")
    assert isinstance(reduced, torch.Tensor)
    return reduced
