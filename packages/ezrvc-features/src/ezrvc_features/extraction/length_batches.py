"""Clips on an accelerator: those of near-equal length go through the content network together.

Threads read the next clips and compute their pitch, volume and spectrogram meanwhile.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ezrvc_features.content.batching import encode_batch
from ezrvc_features.extraction.clip_extraction import (
    ClipExtraction,
    ClipJob,
    Outcome,
    PreparedClip,
    reason_of,
)
from ezrvc_features.extraction.threads import load_models, single_threaded_pool
from ezrvc_features.store.record import Artefact

BATCH_S = 240.0
"""Sound in one batch, all clips counted as long as the longest, seconds."""
_LOOKAHEAD = 2
"""Batches that are being read while one is encoded."""


def run_in_length_batches(
    extraction: ClipExtraction, jobs: Sequence[ClipJob], n_workers: int
) -> Generator[Outcome]:
    """Run jobs, longest clips first, `n_workers` threads preparing them; outcomes as they come.

    Raises:
        FeatureError: the encoder's weights cannot be used.
    """
    load_models(extraction, jobs)
    with single_threaded_pool(n_workers) as pool:
        coming = _prepared(extraction, batches_by_length(jobs, BATCH_S), pool)
        saving: deque[tuple[ClipJob, Future[str | None]]] = deque()
        for batch in coming:
            saving += _encoded(extraction, batch, pool)
            while saving and saving[0][1].done():
                job, outcome = saving.popleft()
                yield job, outcome.result()
        for job, outcome in saving:
            yield job, outcome.result()


def batches_by_length(jobs: Sequence[ClipJob], batch_s: float) -> list[list[ClipJob]]:
    """Jobs by falling length of their clips, cut so that a padded batch holds up to `batch_s`.

    A clip longer than that is a batch of its own.
    """
    batches: list[list[ClipJob]] = []
    longest_s = 0.0
    for job in sorted(jobs, key=lambda job: (-job.clip.duration_s, job.number)):
        if not batches or (len(batches[-1]) + 1) * longest_s > batch_s:
            batches.append([])
            longest_s = job.clip.duration_s
        batches[-1].append(job)
    return batches


_Prepared = tuple[ClipJob, "Future[PreparedClip | None]"]


def _prepared(
    extraction: ClipExtraction, batches: Sequence[list[ClipJob]], pool: ThreadPoolExecutor
) -> Iterator[list[_Prepared]]:
    """Batches whose clips are being read, the next ones begun already."""

    def prepare(job: ClipJob) -> PreparedClip | None:
        return None if extraction.is_long(job) else extraction.prepare(job)

    ahead: deque[list[_Prepared]] = deque()
    for batch in batches:
        ahead.append([(job, pool.submit(prepare, job)) for job in batch])
        if len(ahead) > _LOOKAHEAD:
            yield ahead.popleft()
    yield from ahead


def _encoded(
    extraction: ClipExtraction, batch: list[_Prepared], pool: ThreadPoolExecutor
) -> Iterator[tuple[ClipJob, "Future[str | None]"]]:
    """Give each clip of a batch its content, and have it stored."""
    ready: list[tuple[ClipJob, PreparedClip]] = []
    for job, coming in batch:
        if coming.exception() is None and (clip := coming.result()) is not None:
            ready.append((job, clip))
        else:  # long clips go passage by passage; and the rest fails once more, and says why
            yield job, pool.submit(extraction.run, job)
    together = [(job, clip) for job, clip in ready if clip.speech is not None]
    try:
        speech = [clip.speech for _, clip in together if clip.speech is not None]
        contents = encode_batch(extraction.extractor.encoder, speech) if speech else []
        for (_, clip), content in zip(together, contents, strict=True):
            clip.made[Artefact.CONTENT] = content
    except Exception:  # noqa: BLE001 - whichever clip is at fault shows when each is tried alone
        for job, _ in together:
            yield job, pool.submit(extraction.run, job)
        ready = [(job, clip) for job, clip in ready if clip.speech is None]

    def save(job: ClipJob, clip: PreparedClip) -> str | None:
        try:
            extraction.save(job, clip.made)
        except Exception as error:  # noqa: BLE001 - one bad clip never stops the batch: it is reported
            return reason_of(error)
        return None

    for job, clip in ready:
        yield job, pool.submit(save, job, clip)
