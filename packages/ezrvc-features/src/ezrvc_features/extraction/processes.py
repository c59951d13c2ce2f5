"""Worker processes for extraction on the CPU: started once, models loaded once in each.

For pitch methods that hold on to Python's interpreter while they compute; threads serve the rest.
"""

import os
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from ezrvc_device.processors import limit_threads
from ezrvc_features.errors import FeatureError
from ezrvc_features.extraction.clip_extraction import ClipExtraction, ClipJob, Outcome

_extraction: ClipExtraction | None = None
"""Set in each worker process when it starts; in the parent it stays empty."""


def run_in_processes(
    extraction: ClipExtraction, jobs: Sequence[ClipJob], n_workers: int
) -> Generator[Outcome]:
    """Run jobs in worker processes, one thread each, and give the outcomes in the jobs' order.

    Raises:
        FeatureError: a worker process died.
    """
    pool = ProcessPoolExecutor(
        n_workers,
        mp_context=get_context("spawn"),  # forking a process that runs torch may hang
        initializer=_start,
        initargs=(extraction,),
    )
    try:
        yield from zip(jobs, pool.map(_run, jobs), strict=True)
    except BrokenProcessPool as error:
        raise FeatureError(
            f"one of {n_workers} worker processes died, most likely for want of memory; "
            "run again with fewer workers, what is finished is kept"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start(extraction: ClipExtraction) -> None:
    global _extraction
    limit_threads(1)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _extraction = extraction


def _run(job: ClipJob) -> str | None:
    assert _extraction is not None, "the worker was not started by run_in_processes"
    return _extraction.run(job)


def _die_with_parent() -> None:
    """End this process when the one that started it is killed: nobody will collect its work."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
