"""From finished recordings to what training reads: manifest, file lists, speaker map."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ezrvc_audio.config import SplitConfig
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import manifest_text
from ezrvc_audio.preparation.ledger import SourceRecord, ledger_text
from ezrvc_audio.speaker_map import extend_speaker_map, read_speaker_map, speaker_map_text
from ezrvc_audio.splitting import Recording, file_list_text, file_lists, split_recordings
from ezrvc_device.atomic import write_text


@dataclass(frozen=True)
class FileLists:
    """Clips to train on and clips held out, of all speakers."""

    train: list[str]
    validation: list[str]


def publish(
    experiment: ExperimentFolder, records: Iterable[SourceRecord], config: SplitConfig
) -> FileLists:
    """Decide what is held out, then write everything that follows from the records.

    The ledger is written first and commits the decisions; the other files follow from it, so a run
    stopped in between ends the same way. A file that would not change is not touched.
    """
    decided: list[SourceRecord] = []
    lists = FileLists([], [])
    ordered = sorted(records, key=lambda record: record.key)
    for _speaker, group in groupby(ordered, key=lambda record: record.speaker):
        own = list(group)
        recordings = split_recordings((_recording(record) for record in own), config)
        train, validation = file_lists(recordings)
        lists.train.extend(train)
        lists.validation.extend(validation)
        decided += [
            record.model_copy(update={"held_out": recording.held_out})
            for record, recording in zip(own, recordings, strict=True)
        ]
    clips = [clip for record in decided for clip in record.clips]
    known = read_speaker_map(experiment.speaker_map) if experiment.speaker_map.is_file() else {}
    speakers = extend_speaker_map(known, (clip.speaker for clip in clips))
    _write_if_new(experiment.sources, ledger_text(decided))
    _write_if_new(experiment.speaker_map, speaker_map_text(speakers))
    _write_if_new(experiment.manifest, manifest_text(clips))
    _write_if_new(experiment.train_list, file_list_text(lists.train))
    _write_if_new(experiment.validation_list, file_list_text(lists.validation))
    return lists


def withdraw(experiment: ExperimentFolder) -> None:
    """Remove manifest and file lists: there are no clips."""
    for path in (experiment.manifest, experiment.train_list, experiment.validation_list):
        path.unlink(missing_ok=True)


def _recording(record: SourceRecord) -> Recording:
    return Recording(
        name=f"{record.speaker}/{record.source}",
        clips=tuple(clip.path for clip in record.clips),
        held_out=record.held_out,
    )


def _write_if_new(path: Path, text: str) -> None:
    if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
        write_text(path, text)
