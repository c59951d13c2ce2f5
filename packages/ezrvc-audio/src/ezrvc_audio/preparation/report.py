"""What preparation tells its caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SkippedSource:
    """A recording that gave no clips.

    Attributes:
        speaker: whose folder it lies in.
        path: the file.
        reason: why, in a few words.
    """

    speaker: str
    path: Path
    reason: str


@dataclass(frozen=True)
class PreparationReport:
    """What an experiment holds after preparation, and how it came about.

    Attributes:
        speakers: clips of each speaker.
        n_sources: recordings found.
        n_unchanged: recordings of these that an earlier run had finished.
        n_train: clips to train on.
        n_validation: clips held out.
        seconds_read: length of all recordings that could be read.
        seconds_kept: length of all clips.
        skipped: recordings that gave no clips.
        ignored: files that are neither sound nor video by their suffix.
    """

    speakers: Mapping[str, int]
    n_sources: int
    n_unchanged: int
    n_train: int
    n_validation: int
    seconds_read: float
    seconds_kept: float
    skipped: tuple[SkippedSource, ...] = ()
    ignored: tuple[Path, ...] = ()

    @property
    def n_clips(self) -> int:
        """Clips of all speakers."""
        return sum(self.speakers.values())
