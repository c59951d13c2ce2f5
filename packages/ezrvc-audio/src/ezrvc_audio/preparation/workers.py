"""Recordings cut one after another here, or side by side in worker processes."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from ezrvc_audio.errors import AudioError
from ezrvc_audio.preparation.clips import ClipTask, Report, make_clips
from ezrvc_audio.preparation.ledger import SourceRecord

_TASKS_A_WORKER = 2
"""One to work on and one to go on with."""


def make_all_clips(
    tasks: Iterable[ClipTask], workers: int, report: Report
) -> Iterator[SourceRecord]:
    """Cut every recording; the records come as they get ready.

    Args:
        tasks: the recordings; with one worker they are taken one by one.
        workers: how many processes; up to 1 it is this one.
        report: told of the progress within a recording, with one worker only.

    Raises:
        AudioError: a clip cannot be written, or a worker process was killed.
    """
    if workers <= 1:
        for task in tasks:
            yield make_clips(task, report)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_prepare_worker)
    try:
        running: set[Future[SourceRecord]] = set()
        for task in tasks:  # not all at once: what a task needs may take long to find out
            running.add(pool.submit(make_clips, task))
            if len(running) >= _TASKS_A_WORKER * workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in as_completed(running))
    except BrokenProcessPool as error:
        raise AudioError(
            "a worker process was killed, perhaps for want of memory; "
            "run again with fewer workers: what is finished stays"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_worker() -> None:
    """Let an interrupt end a worker without a traceback, and the parent's death end it too.

    A worker that outlived a killed run would go on writing clips beside the next run.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
