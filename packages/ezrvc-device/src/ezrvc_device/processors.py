"""How many workers to run, and how many threads each of them may use."""

import math
import os
import sys

from ezrvc_device import container_limits
from ezrvc_device.errors import DeviceError

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def processor_count() -> int:
    """Processors this process may use: its affinity and its container's limit count."""
    if sys.version_info >= (3, 13):
        allowed = os.process_cpu_count() or 1
    elif sys.platform == "linux":
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    limit = container_limits.cpu_limit()
    return allowed if limit is None else max(1, min(allowed, math.ceil(limit)))


def worker_count(requested: int | None = None) -> int:
    """How many worker processes to run.

    Args:
        requested: what the user asked for; None: as many as there are processors to use.

    Raises:
        DeviceError: fewer than one was asked for.
    """
    if requested is None:
        return processor_count()
    if requested < 1:
        raise DeviceError(f"workers = {requested}: at least 1 is needed")
    return requested


def limit_threads(n_threads: int) -> None:
    """Let the numeric libraries of this process, and of those it starts, use so many threads.

    A worker calls it first, with `processor_count() // workers`: as many workers as processors,
    each with as many threads as processors, would make all of them slow. Libraries read the
    variables when they load; PyTorch is told directly if it already has.

    Raises:
        DeviceError: fewer than one thread was asked for.
    """
    if n_threads < 1:
        raise DeviceError(f"threads = {n_threads}: at least 1 is needed")
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(n_threads)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(n_threads)
