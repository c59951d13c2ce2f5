"""Clips side by side in threads: the models are loaded once and held once.

Networks let other threads run while they compute, and a thread costs no start and no memory to
speak of, where a worker process takes seconds and half a gigabyte before its first clip.
"""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import BoundedSemaphore

import torch

from ezrvc_features.extraction.clip_extraction import ClipExtraction, ClipJob, Outcome
from ezrvc_features.store.record import Artefact

_WRITERS = 1
"""Threads beyond those that compute."""


def run_in_threads(
    extraction: ClipExtraction, jobs: Sequence[ClipJob], n_workers: int
) -> Generator[Outcome]:
    """Run jobs, `n_workers` of them computing at a time, and give the outcomes in their order.

    Each clip is computed on one thread, so that its features do not depend on how many there are.
    While a thread waits for the disk to take a clip's files, another one computes.

    Raises:
        FeatureError: the encoder's weights cannot be used.
    """
    load_models(extraction, jobs)
    computing = BoundedSemaphore(n_workers)
    with single_threaded_pool(n_workers + _WRITERS) as pool:
        yield from zip(
            jobs, pool.map(lambda job: extraction.run(job, computing), jobs), strict=True
        )


def load_models(extraction: ClipExtraction, jobs: Sequence[ClipJob]) -> None:
    """Load what the jobs need before several threads ask for it at once."""
    if any(Artefact.F0 in job.artefacts for job in jobs):
        _ = extraction.extractor.estimator
    if any(Artefact.CONTENT in job.artefacts for job in jobs):
        _ = extraction.extractor.encoder


@contextmanager
def single_threaded_pool(n_workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads in each of which PyTorch computes on one thread; this thread keeps its number."""
    n_threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(n_workers, "features", torch.set_num_threads, (1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(n_threads)
