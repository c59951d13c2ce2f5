"""A cut of a recording."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Segment:
    """Samples `start` up to, not including, `end` of a recording at `sample_rate` Hz."""

    start: int
    end: int
    sample_rate: int

    @property
    def start_s(self) -> float:
        """Where it starts, seconds."""
        return self.start / self.sample_rate

    @property
    def end_s(self) -> float:
        """Where it ends, seconds."""
        return self.end / self.sample_rate

    @property
    def n_samples(self) -> int:
        """Length in samples."""
        return self.end - self.start

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate
