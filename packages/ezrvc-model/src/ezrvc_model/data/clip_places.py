"""Where the clips of a training set lie between their uses."""

import logging
import os
import weakref
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ezrvc_device.atomic import temporary_path
from ezrvc_device.memory import memory_status
from ezrvc_model.data.clip import TrainingClip

_log = logging.getLogger(__name__)
_HOST_SHARE = 0.5
_DEVICE_SHARE = 0.25
"""Of the memory that is free, how much the clips may take; on a device the network needs most."""
_ALIGNMENT = 64
"""Tensors in a file begin at multiples of this, in bytes."""


class ClipPlace(Protocol):
    """Keeps clips, and gives them back as often as they are asked for."""

    name: str
    """Where that is, for the log."""

    def keep(self, clip: TrainingClip) -> TrainingClip:
        """Take a clip; the answer holds the same values and is what to use from now on."""
        ...


class InMemory:
    """Clips stay in the memory of the host."""

    name = "memory"

    def keep(self, clip: TrainingClip) -> TrainingClip:
        """The clip itself."""
        return clip


class OnDevice:
    """Clips lie on the device that trains, so nothing has to be sent to it.

    Args:
        device: that trains.
    """

    def __init__(self, device: torch.device) -> None:
        self.name = str(device)
        self._device = device

    def keep(self, clip: TrainingClip) -> TrainingClip:
        """The clip with its tensors on the device."""
        moved = {name: tensor.to(self._device) for name, tensor in clip.tensors().items()}
        return clip.with_tensors(moved)


class InFile:
    """Clips lie in one file of numbers, of which the system keeps in memory what fits.

    The file loses its name at once, so that it vanishes with the process, however that ends.

    Args:
        folder: where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"a memory-mapped file in {folder}"
        folder.mkdir(parents=True, exist_ok=True)
        path = temporary_path(folder / "clips")
        self._file = path.open("w+b")
        weakref.finalize(self, self._file.close)
        if os.name != "nt":  # Windows keeps names of open files; a later start sweeps it
            path.unlink()

    def keep(self, clip: TrainingClip) -> TrainingClip:
        """The clip with its tensors mapped from the file.

        Raises:
            OSError: the disk is full.
        """
        return clip.with_tensors(
            {name: self._mapped(tensor) for name, tensor in clip.tensors().items()}
        )

    def _mapped(self, tensor: torch.Tensor) -> torch.Tensor:
        values = np.ascontiguousarray(tensor.numpy())
        end = self._file.seek(0, os.SEEK_END)
        start = self._file.seek(-(-end // _ALIGNMENT) * _ALIGNMENT)
        self._file.write(values.tobytes())
        self._file.flush()
        # "c": torch wants memory that could be written; what is written stays in this process
        view = np.memmap(self._file, values.dtype, "c", offset=start, shape=values.shape)
        return torch.from_numpy(view)


def choose_place(
    n_bytes: int, device: torch.device, folder: Path, *, n_sharing: int = 1, on_device: bool = True
) -> ClipPlace:
    """The fastest place that holds so many bytes: the device, memory, or else a file.

    Args:
        n_bytes: about what the clips take.
        device: that trains.
        folder: of the file, where it must be one.
        n_sharing: processes on this host that each keep the clips.
        on_device: whether the device may be chosen.
    """
    memory = memory_status(device)
    host = int(memory.host_free * _HOST_SHARE) // n_sharing
    place: ClipPlace
    if on_device and device.type == "cuda" and n_bytes <= memory.free * _DEVICE_SHARE:
        place = OnDevice(device)
    elif n_bytes <= host:
        place = InMemory()
    else:
        place = InFile(folder)
    _log.info(
        "training clips: about %.1f MiB; %.0f MiB of memory may be used; they lie in %s",
        n_bytes / 2**20,
        host / 2**20,
        place.name,
    )
    return place
