"""What is finished: one line a recording in `sources.jsonl`, the commit record of its clips.

A recording's line is appended, and flushed to the disk, once all its clips are; a clip that no
line names was left by a stopped run and is removed. A line that was cut off is not there.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ezrvc_audio.manifest import Clip
from ezrvc_device.atomic import write_text
from ezrvc_device.configuration import Section

SourceKey = tuple[str, str]
"""Speaker and source: what names a recording within an experiment."""


class SourceRecord(Section):
    """What became of one recording."""

    speaker: str
    source: str
    """Relative to the speaker's raw folder, forward slashes."""
    size: int
    """Of the recording's file, bytes."""
    sha256: str
    """Of the recording's file."""
    settings: str
    """Fingerprint of the settings it was cut with; empty: it has to be done again."""
    duration_s: float
    """Of the recording, seconds; 0 where it could not be read."""
    clips: tuple[Clip, ...] = ()
    skipped: str | None = None
    """Why it gave no clips."""
    held_out: int | Literal["all"] | None = None
    """How many of its clips are held out for validation; none: not decided yet."""

    @property
    def key(self) -> SourceKey:
        """What names it within the experiment."""
        return self.speaker, self.source

    def outdated(self) -> "SourceRecord":
        """The same recording to be done again; what was decided about it holds."""
        return self.model_copy(update={"settings": "", "clips": (), "skipped": None})


def read_ledger(path: Path) -> dict[SourceKey, SourceRecord]:
    """Read the records; a later one of the same recording counts, an unreadable one does not."""
    records: dict[SourceKey, SourceRecord] = {}
    if not path.is_file():
        return records
    *lines, _torn = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for line in lines:
        try:
            record = SourceRecord.model_validate_json(line)
        except ValidationError:
            continue  # of another version: that recording is done again
        records[record.key] = record
    return records


def append_to_ledger(path: Path, record: SourceRecord) -> None:
    """Commit one record; it survives the process and the machine from here on."""
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(record.model_dump_json() + "\n")
        file.flush()
        os.fsync(file.fileno())


def ledger_text(records: Iterable[SourceRecord]) -> str:
    """Records as text, ordered by speaker and source."""
    ordered = sorted(records, key=lambda record: record.key)
    return "".join(record.model_dump_json() + "\n" for record in ordered)


def write_ledger(path: Path, records: Iterable[SourceRecord]) -> None:
    """Write all records, whole or not at all."""
    write_text(path, ledger_text(records))
