"""Reading checkpoints that other programs wrote, without running anything they carry.

A `.pt` or `.pth` file is a pickle: read carelessly, it runs whatever its author put in. Here it is
read by torch's restricted unpickler with a short list of names added. Two of them are classes of
programs we do not install; inert stand-ins take their place and only hold what the file says.
"""

import pickle
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import load_file

from ezrvc_features.errors import FeatureError


class FairseqDictionary:
    """Stands in for fairseq's Dictionary: holds attributes, does nothing."""


class ArgparseNamespace:
    """Stands in for argparse's Namespace: holds attributes, does nothing."""


_ALLOWED: list[Any] = [
    (FairseqDictionary, "fairseq.data.dictionary.Dictionary"),
    (ArgparseNamespace, "argparse.Namespace"),
    # k-means centres saved as numpy arrays; numpy 1 and 2 name their rebuilder differently.
    (np._core.multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),  # pyright: ignore[reportAttributeAccessIssue]
    (np._core.multiarray._reconstruct, "numpy._core.multiarray._reconstruct"),  # pyright: ignore[reportAttributeAccessIssue]
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float16", "float32", "float64", "int32", "int64")),
]
DAMAGED = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    struct.error,
    pickle.UnpicklingError,
    safetensors.SafetensorError,
)
"""What torch and safetensors raise on files that are cut off or are something else."""


def read_checkpoint(path: Path) -> Any:
    """What a checkpoint file holds, on the CPU: usually a dictionary with tensors inside.

    Args:
        path: `.safetensors`, or a file that torch.save wrote.

    Raises:
        FeatureError: the file is missing or damaged, is not a checkpoint, or asks for code to be
            run; in no case is anything of it executed.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(_ALLOWED):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise FeatureError(f"{path}: cannot be read ({error.strerror})") from error
    except DAMAGED as error:
        asked_for = re.search(r"GLOBAL ([\w.]+)", str(error))
        if asked_for is not None:
            raise FeatureError(
                f"{path}: refused, because it asks to run {asked_for[1]}, which no checkpoint "
                "needs; nothing was executed, do not use this file"
            ) from None
        raise FeatureError(
            f"{path}: not a checkpoint, or a damaged one; copy or download it again"
        ) from error
