"""All clips of an experiment: what is missing is made, what is there is left alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.processors import worker_count
from ezrvc_device.progress import Progress, silent
from ezrvc_features.config import FeatureConfig
from ezrvc_features.errors import FeatureError
from ezrvc_features.extraction.clip_extraction import ClipExtraction, ClipJob
from ezrvc_features.extraction.extractor import FeatureExtractor
from ezrvc_features.extraction.processes import run_in_processes
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store.feature_store import FeatureStore

_CLIPS_PER_WORKER = 16
"""Unless told how many workers to use: with fewer clips each, starting them costs more time."""


@dataclass(frozen=True)
class ExtractionReport:
    """What came of a batch.

    Attributes:
        n_clips: clips of the manifest.
        n_made: clips of which something was made now.
        n_kept: clips that had everything already.
        n_removed: clips no longer in the manifest, whose features were removed.
        failures: (clip path, reason) of those that could not be done, in the manifest's order.
    """

    n_clips: int
    n_made: int
    n_kept: int
    n_removed: int
    failures: tuple[tuple[str, str], ...]


def extract_features(
    experiment: ExperimentFolder,
    config: FeatureConfig,
    frames: FrameSpec,
    n_fft: int,
    *,
    device: str | None = "auto",
    workers: int | None = None,
    progress: Progress = silent,
) -> ExtractionReport:
    """Bring the features of every clip of an experiment up to date.

    Only what is missing, or was made otherwise than asked for, is made. The run may be stopped
    at any moment and started again.

    Args:
        experiment: prepared clips with their manifest.
        config: which encoder and pitch method, and whether spectrograms are kept.
        frames: the frame grid of pitch, volume and spectrogram.
        n_fft: of the spectrogram.
        device: where networks run, see `ezrvc_device.resolve_device`.
        workers: processes, on the CPU only; None: as many as there are processors, if there are
            enough clips to be worth starting them.
        progress: is told how many of the clips are done, under the step `features`.

    Raises:
        FeatureError: there are no clips, the encoder or pitch method cannot be had, or not one
            clip could be done.
        AudioError: the manifest cannot be read.
        DeviceError: the device is not there.
    """
    clips = read_manifest(experiment.manifest)
    if not clips:
        raise FeatureError(f"{experiment.manifest}: lists no clips; run preprocess")
    store = FeatureStore(experiment)
    store.sweep()
    n_removed = store.remove_others(clips)
    resolved = resolve_device(device)
    extractor = FeatureExtractor(config, frames, str(resolved))
    plan = extractor.plan(n_fft)
    jobs: list[ClipJob] = []
    for clip in clips:
        store.forget_unplanned(clip, plan)
        if stale := store.stale(clip, plan):
            jobs.append(ClipJob(clip, stale))
    extraction = ClipExtraction(experiment, config, frames, n_fft, plan, str(resolved))
    n_workers = _worker_count(workers, len(jobs)) if resolved.type == "cpu" else 1
    n_kept = len(clips) - len(jobs)
    progress("features", n_kept, len(clips))
    failures: list[tuple[str, str]] = []
    for done, (job, reason) in enumerate(
        zip(jobs, _outcomes(extraction, jobs, n_workers), strict=True), start=1
    ):
        if reason is not None:
            failures.append((job.clip.path, reason))
        progress("features", n_kept + done, len(clips))
    if len(failures) == len(clips):
        path, reason = failures[0]
        raise FeatureError(
            f"no clip could be done, {len(clips)} failed; the first, {path}: {reason}"
        )
    return ExtractionReport(
        n_clips=len(clips),
        n_made=len(jobs) - len(failures),
        n_kept=n_kept,
        n_removed=n_removed,
        failures=tuple(failures),
    )


def _outcomes(
    extraction: ClipExtraction, jobs: Sequence[ClipJob], n_workers: int
) -> Iterator[str | None]:
    """Why each job failed, or None, in the order of the jobs."""
    if n_workers > 1:
        return run_in_processes(extraction, jobs, n_workers)
    return map(extraction.run, jobs)


def _worker_count(requested: int | None, n_jobs: int) -> int:
    if requested is None:
        return min(worker_count(None), n_jobs // _CLIPS_PER_WORKER)
    return min(worker_count(requested), n_jobs)
