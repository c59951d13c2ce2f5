"""Reading the faiss index that RVC keeps beside a voice.

faiss trusts the files it reads: one made for the purpose can crash the process that reads it. So
a child process reads it, writes the vectors as plain numbers, and may die in doing so.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval.index import IndexRetriever

LARGEST_BYTES = 4 * 1024**3
"""No index file beyond this size is opened: 200 000 vectors of 1280 numbers are a quarter of it."""
TIMEOUT_S = 120.0
_PICKLE = b"\x80"
_READER = "ezrvc_features.retrieval.index_reader"


def read_rvc_index(path: Path, *, timeout_s: float = TIMEOUT_S) -> IndexRetriever:
    """The vectors of an `added_*.index` of RVC (any faiss index that keeps its vectors whole).

    Args:
        path: of the file.
        timeout_s: how long the reading may take.

    Raises:
        FeatureError: the file is missing, too large, damaged, a pickle, or holds no vectors.
    """
    _check_outside(path)
    with tempfile.TemporaryDirectory(prefix="ezrvc-index-") as folder:
        target = Path(folder) / "vectors.npy"
        # -P: the folder we happen to be in is no place to import from
        command = [sys.executable, "-P", "-m", _READER, str(path.absolute()), str(target)]
        try:
            finished = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
        except subprocess.TimeoutExpired:
            raise FeatureError(
                f"{path}: reading it took more than {timeout_s:g} s and was stopped; "
                "copy or download it again"
            ) from None
        if finished.returncode != 0 or not target.is_file():
            raise FeatureError(f"{path}: {_reason(finished)}")
        return IndexRetriever(np.load(target, allow_pickle=False))


def _check_outside(path: Path) -> None:
    """What can be known before faiss sees the file."""
    try:
        n_bytes = path.stat().st_size
        with path.open("rb") as file:
            beginning = file.read(1)
    except OSError as error:
        raise FeatureError(f"{path}: cannot be read ({error.strerror})") from error
    if beginning == _PICKLE or path.suffix == ".pkl":
        raise FeatureError(
            f"{path}: refused, a pickled faiss index can run anything when it is read; nothing was "
            "executed; write it with faiss.write_index in the program that made it, or make the "
            "retrieval anew with `ezrvc models retrieval`"
        )
    if n_bytes > LARGEST_BYTES:
        raise FeatureError(
            f"{path}: {n_bytes / 1e9:.1f} GB is more than a retrieval index has; "
            f"at most {LARGEST_BYTES / 1e9:.1f} GB are read"
        )


def _reason(finished: subprocess.CompletedProcess[str]) -> str:
    if finished.returncode == 1 and finished.stderr.strip():
        return finished.stderr.strip().splitlines()[-1]
    return (
        "not a faiss index, or a damaged one: the process that read it died "
        f"(code {finished.returncode}); copy or download it again"
    )
