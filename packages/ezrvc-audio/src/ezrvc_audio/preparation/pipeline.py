"""Raw recordings in; an experiment's clips, manifest, file lists and speaker map out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ezrvc_audio.config import PreparationConfig
from ezrvc_audio.errors import AudioError
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.preparation.clips import ClipTask
from ezrvc_audio.preparation.ledger import (
    SourceKey,
    SourceRecord,
    append_to_ledger,
    write_ledger,
)
from ezrvc_audio.preparation.planning import Plan, fingerprint, make_plan, remove_other_clips
from ezrvc_audio.preparation.publishing import FileLists, publish, withdraw
from ezrvc_audio.preparation.report import PreparationReport, SkippedSource
from ezrvc_audio.preparation.sources import Source, find_sources
from ezrvc_audio.preparation.turns import TurnSource
from ezrvc_audio.preparation.workers import make_all_clips
from ezrvc_device.atomic import sweep_temporaries
from ezrvc_device.progress import Progress, silent

_REASONS_SHOWN = 5


def prepare_recordings(
    raw: Mapping[str, Path],
    experiment: ExperimentFolder,
    sample_rate: int,
    config: PreparationConfig | None = None,
    *,
    workers: int = 1,
    turns: TurnSource | None = None,
    progress: Progress = silent,
) -> PreparationReport:
    """Cut the recordings of all speakers of an experiment into clips.

    Only new and changed recordings are cut; clips of recordings and speakers that are no longer
    given leave. It may be stopped at any moment and run again. One process prepares an experiment
    at a time.

    Args:
        raw: each speaker's folder of recordings, searched with all folders in it.
        experiment: where to; made if it is missing.
        sample_rate: of the clips, Hz.
        config: how to cut.
        workers: processes that cut recordings side by side; the result does not depend on it.
        turns: which parts of a recording belong to its speaker; None: all of it.
        progress: told how many recordings are compared, then how many are cut.

    Returns:
        What the experiment holds; recordings that could not be used are listed with the reason.

    Raises:
        AudioError: a speaker's folder is missing, a clip cannot be written, or no recording gives
            a clip.
        OSError: the experiment's folder cannot be written.
    """
    config = config or PreparationConfig()
    sources, ignored = find_sources(raw)
    experiment.root.mkdir(parents=True, exist_ok=True)
    sweep_temporaries(experiment.root)
    settings = fingerprint(sample_rate, config, turns)
    plan = make_plan(experiment, sources, settings, progress)
    # A clip is overwritten only after the record that vouched for it is gone.
    write_ledger(experiment.sources, [*plan.finished.values(), *plan.outdated.values()])
    remove_other_clips(experiment, plan.finished.values())

    records = dict(plan.finished)
    records.update((record.key, record) for record in plan.unreadable)
    tasks = [
        ClipTask(source, found, experiment.root, sample_rate, config, settings)
        for source, found in plan.pending
    ]
    placed = _with_turns(tasks, turns, records)

    def report(share: float) -> None:
        progress("clips", len(records) + share, len(sources))

    report(0.0)
    for made in make_all_clips(placed, min(workers, len(tasks)), report):
        record = _with_decision(made, plan)
        append_to_ledger(experiment.sources, record)
        records[record.key] = record
        report(0.0)
    if not any(record.clips for record in records.values()):
        withdraw(experiment)
        raise AudioError(_nothing(raw, sources, records))
    lists = publish(experiment, records.values(), config.split)
    return _report(sources, ignored, plan, records, lists)


def _with_turns(
    tasks: Iterable[ClipTask], turns: TurnSource | None, records: dict[SourceKey, SourceRecord]
) -> Iterator[ClipTask]:
    """Ask for the turns in each recording; one that fails is recorded as skipped."""
    for task in tasks:
        if turns is None:
            yield task
            continue
        source = task.source
        try:
            within = tuple(turns.turns(source.path, source.speaker))
        except AudioError as error:
            records[source.key] = replace(task, settings="").record(skipped=str(error))
            continue
        yield replace(task, within=within)


def _with_decision(record: SourceRecord, plan: Plan) -> SourceRecord:
    """Carry over what was decided about an earlier version of the recording."""
    before = plan.outdated.get(record.key)
    held_out = before.held_out if before is not None else None
    return record.model_copy(update={"held_out": held_out})


def _nothing(
    raw: Mapping[str, Path], sources: Sequence[Source], records: Mapping[SourceKey, SourceRecord]
) -> str:
    """Why there is not a single clip."""
    if not sources:
        folders = ", ".join(str(folder) for folder in raw.values())
        return f"{folders}: no sound or video files there; put the recordings in"
    reasons = [
        f"{source.path}: {records[source.key].skipped}" for source in sources[:_REASONS_SHOWN]
    ]
    more = len(sources) - len(reasons)
    return "no recording gives a clip: " + "; ".join(reasons) + (f"; {more} more" if more else "")


def _report(
    sources: Sequence[Source],
    ignored: Sequence[Path],
    plan: Plan,
    records: Mapping[SourceKey, SourceRecord],
    lists: FileLists,
) -> PreparationReport:
    clips = [clip for record in records.values() for clip in record.clips]
    return PreparationReport(
        speakers=dict(sorted(Counter(clip.speaker for clip in clips).items())),
        n_sources=len(sources),
        n_unchanged=len(plan.finished),
        n_train=len(lists.train),
        n_validation=len(lists.validation),
        seconds_read=sum(record.duration_s for record in records.values()),
        seconds_kept=sum(clip.duration_s for clip in clips),
        skipped=tuple(
            SkippedSource(source.speaker, source.path, reason)
            for source in sources
            if (reason := records[source.key].skipped) is not None
        ),
        ignored=tuple(ignored),
    )
