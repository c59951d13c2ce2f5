"""The child process that reads a foreign faiss index: `python -m … INDEX VECTORS.npy`.

It ends with 0 and the vectors written, or with 1 and one line that says why not; or it dies,
which is why it is a process of its own.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

_MEMORY_BESIDE_BYTES = 4 * 1024**3
"""Address space for the programs themselves, beside several times the size of the file."""


class UnusableIndexError(Exception):
    """The file holds no vectors that can be used; the message says why."""


def read_vectors(path: Path) -> NDArray[np.float32]:
    """The vectors of a faiss index, (n_vectors, dim), in the order they were added.

    Raises:
        UnusableIndexError: it is no index, or keeps no vectors, or keeps them reduced.
    """
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_READ_ONLY)
    except (RuntimeError, MemoryError) as error:
        raise UnusableIndexError(
            "not a faiss index, or a damaged one; copy or download it again"
        ) from error
    if index.ntotal == 0:
        raise UnusableIndexError(
            "holds no vectors (RVC calls such a file trained_*.index); take the added_*.index "
            "that lies beside it"
        )
    if index.ntotal * index.d * np.dtype(np.float32).itemsize > path.stat().st_size:
        raise UnusableIndexError(
            f"says that it holds {index.ntotal} vectors of {index.d} numbers, more than the file "
            "has room for; it is damaged, or compressed, which is not supported"
        )
    lists = getattr(faiss.downcast_index(index), "invlists", None)
    if lists is not None and not isinstance(
        faiss.downcast_InvertedLists(lists), faiss.ArrayInvertedLists
    ):
        raise UnusableIndexError("keeps its vectors in another file, which is not supported")
    try:
        vectors = index.reconstruct_n(0, index.ntotal)
    except (RuntimeError, MemoryError) as error:
        raise UnusableIndexError("its vectors cannot be read; take another index") from error
    if not np.isfinite(vectors).all():
        raise UnusableIndexError("holds vectors that are not finite; it is damaged")
    return vectors


def main(arguments: Sequence[str]) -> int:
    """Read, write, or say in one line why not."""
    source, target = map(Path, arguments)
    _bound_memory(source.stat().st_size)
    try:
        vectors = read_vectors(source)
    except UnusableIndexError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    np.save(target, vectors, allow_pickle=False)
    return 0


def _bound_memory(file_bytes: int) -> None:
    """Let a file that claims to be huge fail here, not take the machine's memory."""
    if sys.platform == "linux":
        import resource  # not there on Windows

        limit = 8 * file_bytes + _MEMORY_BESIDE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
