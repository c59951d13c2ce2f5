"""What an earlier run has finished, and what is left to do."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from ezrvc_audio.config import PreparationConfig
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.preparation.ledger import SourceKey, SourceRecord, read_ledger
from ezrvc_audio.preparation.naming import is_clip_name
from ezrvc_audio.preparation.sources import Digest, Source, digest
from ezrvc_audio.preparation.turns import TurnSource
from ezrvc_device.atomic import is_temporary
from ezrvc_device.progress import Progress

_VERSION = 1
"""Raised whenever the same settings would cut differently."""


@dataclass(frozen=True)
class Plan:
    """The recordings of an experiment, by what is to be done with them.

    Attributes:
        finished: cut already, from the same file with the same settings.
        outdated: cut from another file or with other settings; their decisions are kept.
        pending: to be cut.
        unreadable: files that the disk does not give.
    """

    finished: dict[SourceKey, SourceRecord] = field(default_factory=dict)
    outdated: dict[SourceKey, SourceRecord] = field(default_factory=dict)
    pending: list[tuple[Source, Digest]] = field(default_factory=list)
    unreadable: list[SourceRecord] = field(default_factory=list)


def make_plan(
    experiment: ExperimentFolder, sources: list[Source], settings: str, progress: Progress
) -> Plan:
    """Compare the recordings with the ledger."""
    plan = Plan()
    known = read_ledger(experiment.sources)
    for n_compared, source in enumerate(sources):
        progress("recordings", n_compared, len(sources))
        record = known.get(source.key)
        try:
            found = digest(source.path)
        except OSError as error:
            plan.unreadable.append(_unreadable(source, error))
            found = None
        if record is not None and found is not None and _holds(record, found, settings, experiment):
            plan.finished[source.key] = record
            continue
        if record is not None:
            plan.outdated[source.key] = record.outdated()
        if found is not None:
            plan.pending.append((source, found))
    return plan


def remove_other_clips(experiment: ExperimentFolder, records: Iterable[SourceRecord]) -> None:
    """Remove clips that no record names, and unfinished writes; other files are left alone."""
    named = {experiment.root / clip.path for record in records for clip in record.clips}
    for folder in experiment.audio.glob("*/"):
        for path in folder.iterdir():
            if is_temporary(path) or (is_clip_name(path.name) and path not in named):
                path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def fingerprint(sample_rate: int, config: PreparationConfig, turns: TurnSource | None) -> str:
    """Short for all settings that shape clips; the split is not one of them."""
    settings = {
        "version": _VERSION,
        "sample_rate": sample_rate,
        "turns": turns.fingerprint if turns is not None else None,
        **config.model_dump(mode="json", exclude={"split"}),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _holds(
    record: SourceRecord, found: Digest, settings: str, experiment: ExperimentFolder
) -> bool:
    """Whether a record speaks of this file and these settings, and its clips are there."""
    is_same = (record.size, record.sha256, record.settings) == (found.size, found.sha256, settings)
    return is_same and all((experiment.root / clip.path).is_file() for clip in record.clips)


def _unreadable(source: Source, error: OSError) -> SourceRecord:
    return SourceRecord(
        speaker=source.speaker,
        source=source.name,
        size=0,
        sha256="",
        settings="",
        duration_s=0.0,
        skipped=f"cannot be read ({error.strerror})",
    )
