"""All clips of an experiment: what is missing is made, what is there is left alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.processors import worker_count
from ezrvc_device.progress import Progress, silent
from ezrvc_features.config import FeatureConfig
from ezrvc_features.errors import FeatureError
from ezrvc_features.extraction.clip_extraction import ClipExtraction, ClipJob, Outcome
from ezrvc_features.extraction.extractor import FeatureExtractor
from ezrvc_features.extraction.length_batches import run_in_length_batches
from ezrvc_features.extraction.processes import run_in_processes
from ezrvc_features.extraction.ray_actors import require_ray, run_in_ray
from ezrvc_features.extraction.threads import run_in_threads
from ezrvc_features.f0.ensemble import ensemble_members
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store.feature_store import FeatureStore

Engine = Literal["local", "ray"]
"""Where extraction runs: on this machine, or wherever Ray is."""

_CLIPS_PER_WORKER = 16
"""Unless told how many workers to use: with fewer clips each, starting a process takes longer."""
_HOLDS_INTERPRETER = frozenset({"pm"})
"""Pitch methods during which no other thread runs: their workers are processes."""


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
    engine: Engine = "local",
    address: str | None = None,
    progress: Progress = silent,
) -> ExtractionReport:
    """Bring the features of every clip of an experiment up to date.

    Only what is missing, or was made otherwise than asked for, is made. The run may be stopped
    at any moment and started again. Every clip is computed on one processor's thread, so the files
    are the same however many workers there are and whichever engine runs them; an accelerator
    takes clips of near-equal length together, which changes their content by rounding only.

    Args:
        experiment: prepared clips with their manifest.
        config: which encoder and pitch method, and whether spectrograms are kept.
        frames: the frame grid of pitch, volume and spectrogram.
        n_fft: of the spectrogram.
        device: where networks run, see `ezrvc_device.resolve_device`.
        workers: clips that are worked at side by side: by threads, by processes where the pitch
            method needs them (pm), or by Ray actors. None: as many as there are processors.
        engine: "local", or "ray" (needs the extra `ezrvc-features[ray]`).
        address: of a running Ray cluster, all nodes of which see the experiment under the same
            path; None: Ray is started here.
        progress: is told how many of the clips are done, under the step `features`; before that,
            how far the download of weights is, if one is needed.

    Raises:
        FeatureError: there are no clips, the encoder, the pitch method or the engine cannot be
            had, or not one clip could be done.
        AudioError: the manifest cannot be read.
        DeviceError: the device is not there.
    """
    check_engine(engine, address)
    clips = read_manifest(experiment.manifest)
    if not clips:
        raise FeatureError(f"{experiment.manifest}: lists no clips; run preprocess")
    store = FeatureStore(experiment)
    store.sweep()
    n_removed = store.remove_others(clips)
    resolved = resolve_device(device)
    plan = FeatureExtractor(config, frames, str(resolved), progress).plan(n_fft)
    jobs: list[ClipJob] = []
    for clip in clips:
        store.forget_unplanned(clip, plan)
        if stale := store.stale(clip, plan):
            jobs.append(ClipJob(clip, stale, len(jobs)))
    extraction = ClipExtraction(experiment, config, frames, n_fft, plan, str(resolved))
    n_kept = len(clips) - len(jobs)
    progress("features", n_kept, len(clips))
    reasons: dict[int, str] = {}
    outcomes = _run(extraction, jobs, workers, engine, address)
    for done, (job, reason) in enumerate(outcomes, start=1):
        if reason is not None:
            reasons[job.number] = reason
        progress("features", n_kept + done, len(clips))
    failures = [(jobs[number].clip.path, reasons[number]) for number in sorted(reasons)]
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


def check_engine(engine: Engine, address: str | None = None) -> None:
    """Check that an engine can be had, before anything long is begun for it.

    Raises:
        FeatureError: it is not installed, or the address belongs to another engine.
    """
    if address is not None and engine != "ray":
        raise FeatureError(f"address {address!r} is that of a Ray cluster: it needs engine 'ray'")
    if engine == "ray":
        require_ray()


def _run(
    extraction: ClipExtraction,
    jobs: Sequence[ClipJob],
    workers: int | None,
    engine: Engine,
    address: str | None,
) -> Iterator[Outcome]:
    """Have the jobs done by what suits them best."""
    n_workers = min(worker_count(workers), len(jobs))
    if not jobs:
        return iter(())
    if engine == "ray":
        return run_in_ray(extraction, jobs, n_workers, address)
    if not extraction.device.startswith("cpu"):
        return run_in_length_batches(extraction, jobs, n_workers)
    if _needs_processes(extraction.config):
        if workers is None:
            n_workers = min(n_workers, len(jobs) // _CLIPS_PER_WORKER)
        if n_workers > 1:
            return run_in_processes(extraction, jobs, n_workers)
    return run_in_threads(extraction, jobs, max(n_workers, 1))


def _needs_processes(config: FeatureConfig) -> bool:
    method = config.f0.method
    return not _HOLDS_INTERPRETER.isdisjoint(ensemble_members(method) or (method,))
