"""What a conversion tells of itself."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileReport:
    """One converted file.

    Attributes:
        input: the recording.
        output: the file written.
        voice: name of the voice, from its card.
        speaker: who speaks now.
        duration_s: length of the result, seconds.
        elapsed_s: time the conversion took, seconds.
        transpose_semitones: by how much the pitch was shifted.
        silent: whether the recording holds nothing but silence, and so the result too.
        advice: one line for each thing the user may want to change.
        notices: one line for each thing that holds for the result, as the licence of what made it.
    """

    input: Path
    output: Path
    voice: str
    speaker: str
    duration_s: float
    elapsed_s: float
    transpose_semitones: float
    silent: bool
    advice: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def real_time_factor(self) -> float:
        """Seconds of computing for each second of sound; below 1 is faster than real time."""
        return self.elapsed_s / self.duration_s


@dataclass(frozen=True)
class ConversionReport:
    """A batch of conversions.

    Attributes:
        files: what was converted, in order.
        failures: input and reason (one line) of each file that could not be.
    """

    files: tuple[FileReport, ...]
    failures: tuple[tuple[Path, str], ...]

    @property
    def duration_s(self) -> float:
        """Seconds of sound made."""
        return sum(report.duration_s for report in self.files)

    @property
    def elapsed_s(self) -> float:
        """Seconds taken."""
        return sum(report.elapsed_s for report in self.files)
