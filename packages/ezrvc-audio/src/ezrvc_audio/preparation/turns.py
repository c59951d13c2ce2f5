"""The door for diarization: who speaks when decides which parts of a recording are used."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ezrvc_audio.slicing.slicer import TimeSpan


class TurnSource(Protocol):
    """Knows when a speaker speaks in a recording.

    It is asked in the calling process, once for every recording that is new or changed.
    """

    @property
    def fingerprint(self) -> str:
        """Names the method and its settings; clips are made again when it changes."""
        ...

    def turns(self, recording: Path, speaker: str) -> Sequence[TimeSpan]:
        """When this speaker, and nobody else, speaks.

        Args:
            recording: the file.
            speaker: whose clips are wanted.

        Returns:
            Spans from start up to end, seconds, in any order.

        Raises:
            AudioError: the recording cannot be used; it is skipped with this reason.
        """
        ...
