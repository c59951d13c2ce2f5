"""Features that are too long to hold: written a few columns at a time, read as any other file."""

import os
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.serialization import skip_data

from ezrvc_features.errors import FeatureError

HALF_MAX = float(torch.finfo(torch.float16).max)
_LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a zip entry: where the lengths of its name and of its extra field are."""


@dataclass(frozen=True, eq=False)
class ColumnBlocks:
    """A matrix that comes in blocks of columns.

    Attributes:
        shape: (n_rows, n_columns) of the whole.
        blocks: (n_rows, n_columns of the block) each, in order; they can be taken once.
    """

    shape: tuple[int, int]
    blocks: Iterable[torch.Tensor]

    @property
    def ndim(self) -> int:
        """Two axes."""
        return len(self.shape)


def as_half(values: torch.Tensor, what: str) -> torch.Tensor:
    """Values as they are kept: half precision, its range not exceeded.

    Raises:
        FeatureError: they are not all finite.
    """
    if not values.isfinite().all():
        raise FeatureError(f"{what} holds values that are not finite")
    return values.clamp(-HALF_MAX, HALF_MAX).half()


def write_column_blocks(path: Path, matrix: ColumnBlocks, what: str) -> None:
    """Write a matrix in half precision as `torch.save` would, holding one block at a time.

    `torch.save` lays the file out without any values; each block then takes its place row by row.

    Args:
        path: where to.
        matrix: what.
        what: named in messages.

    Raises:
        FeatureError: the blocks hold values that are not finite, or are not of the shape stated.
        OSError: the disk does not take it.
    """
    n_rows, n_columns = matrix.shape
    # By path, the file would hold the temporary's name. The empty tensor's memory is never touched.
    with path.open("wb") as file, skip_data():
        torch.save(torch.empty(matrix.shape, dtype=torch.float16), file)
    offset = _values_offset(path)
    column = 0
    with path.open("r+b") as file:
        for block in matrix.blocks:
            width = block.shape[1]
            if block.shape[0] != n_rows or column + width > n_columns:
                raise FeatureError(f"{what} has other columns than the {n_columns} announced")
            rows = as_half(block, what).numpy()
            for row in range(n_rows):
                place = offset + 2 * (row * n_columns + column)
                _write_at(file.fileno(), rows[row].tobytes(), place)
            column += width
    if column != n_columns:
        raise FeatureError(f"{what} has {column} columns instead of {n_columns}")


def _write_at(descriptor: int, content: bytes, place: int) -> None:
    os.lseek(descriptor, place, os.SEEK_SET)  # Windows has no pwrite
    while content:
        content = content[os.write(descriptor, content) :]


def _values_offset(path: Path) -> int:
    """Where the tensor's bytes begin in a file of `torch.save`."""
    with zipfile.ZipFile(path) as archive:
        (entry,) = (each for each in archive.infolist() if each.filename.endswith("/data/0"))
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        n_name, n_extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    return entry.header_offset + _LOCAL_HEADER.size + n_name + n_extra
