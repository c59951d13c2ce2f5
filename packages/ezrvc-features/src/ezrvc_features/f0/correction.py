"""Pitch by hand: rows of a CSV file that override what an estimator found."""

import csv
import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.f0.grid import PitchTrack
from ezrvc_features.f0.refinement import RefinedEstimator
from ezrvc_features.frames import FrameSpec

COLUMNS = ("time_s", "f0_hz")
"""The header, which may be left out."""
JOINED_S = 0.1
"""Rows no farther apart than this hold for the frames between them, seconds."""
LOWEST_HZ, HIGHEST_HZ = 20.0, 5000.0
"""A row beyond them is taken for a mistake."""
_REVISION = 1


@dataclass(frozen=True, eq=False)
class F0Correction:
    """Pitch at some times of a recording, which holds against any estimate.

    Two neighbouring rows at most `JOINED_S` apart hold for every frame between them: where both
    are voiced, pitch runs in a straight line (in Hz) from one to the other; where one of them is
    0 (unvoiced), each frame takes the nearer row. A row also holds for the frames within half a
    frame of it, so that a row by itself corrects one frame. All other frames keep the estimate.

    Attributes:
        times_s: float64, (n_rows,), increasing, at least one.
        hz: float64, (n_rows,); 0 is unvoiced.
    """

    times_s: NDArray[np.float64]
    hz: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.times_s.ndim != 1 or self.times_s.shape != self.hz.shape or not self.hz.size:
            raise ValueError(
                f"a correction needs as many times {self.times_s.shape} as pitches {self.hz.shape}"
            )
        if (np.diff(self.times_s) <= 0).any():
            raise ValueError("the times of a correction must increase")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a CSV file: a time in seconds and a pitch in Hz on every line.

        The columns are separated by commas; a first line `time_s,f0_hz` and empty lines are
        passed over.

        Raises:
            FeatureError: the file cannot be read, or a line is not two numbers, is out of order or
                out of range; names the line.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise FeatureError(f"{path}: cannot be read as a CSV of pitch ({error})") from error
        rows = list(_rows(text.splitlines(), path))
        if not rows:
            raise FeatureError(f"{path}: holds no rows; write lines of {','.join(COLUMNS)}")
        return cls(*np.array(rows, dtype=np.float64).T)

    @property
    def digest(self) -> str:
        """SHA-256 of the rows."""
        return hashlib.sha256(np.stack([self.times_s, self.hz]).tobytes()).hexdigest()

    def apply(self, curve: F0Curve, frames: FrameSpec) -> F0Curve:
        """The curve of a whole recording, corrected.

        Args:
            curve: from the recording's beginning on.
            frames: its grid.

        Raises:
            FeatureError: a row lies after the curve's end.
        """
        frame_s = 1 / frames.frame_rate_hz
        end_s = len(curve.hz) * frame_s
        if self.times_s[-1] > end_s + JOINED_S:
            raise FeatureError(
                f"the pitch correction has a row at {self.times_s[-1]:g} s, but the recording "
                f"ends at {end_s:.2f} s: check that it is of this recording"
            )
        times_s = frames.times_s(len(curve.hz))
        track = PitchTrack(times_s=self.times_s, hz=self.hz, voiced=self.hz > 0)
        hz, voiced = track.at(times_s)
        held = self._holds_at(times_s, frame_s / 2)
        return F0Curve(
            hz=np.where(held, hz, curve.hz).astype(np.float32),
            voiced=np.where(held, voiced, curve.voiced),
        )

    def _holds_at(self, times_s: NDArray[np.float64], near_s: float) -> NDArray[np.bool_]:
        last = len(self.times_s) - 1
        right = np.searchsorted(self.times_s, times_s).clip(0, last)
        left = (right - 1).clip(0)
        to_left = np.abs(times_s - self.times_s[left])
        to_right = np.abs(times_s - self.times_s[right])
        between = (self.times_s[left] <= times_s) & (times_s <= self.times_s[right])
        joined = self.times_s[right] - self.times_s[left] <= JOINED_S + 1e-9
        return (between & joined) | (np.minimum(to_left, to_right) <= near_s + 1e-9)


class CorrectedEstimator(RefinedEstimator):
    """An estimator whose curve is corrected by hand, for one recording.

    Args:
        estimator: finds the pitch of everything else.
        correction: what holds against it.
    """

    def __init__(self, estimator: F0Estimator, correction: F0Correction) -> None:
        super().__init__(estimator)
        self._correction = correction

    @property
    def range_hz(self) -> tuple[float, float]:
        """Lowest and highest pitch it reports, those of the correction included, Hz."""
        low, high = super().range_hz
        by_hand = self._correction.hz[self._correction.hz > 0]
        return min([low, *by_hand.tolist()]), max([high, *by_hand.tolist()])

    @property
    def refinement(self) -> str:
        """Which rows, and the revision."""
        return f"correction {self._correction.digest[:16]}, revision {_REVISION}"

    def refine(self, curve: F0Curve, frames: FrameSpec) -> F0Curve:
        """The corrected curve."""
        return self._correction.apply(curve, frames)


def _rows(lines: Iterable[str], path: Path) -> Iterator[tuple[float, float]]:
    before_s = -math.inf
    reader = csv.reader(lines)
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        if not any(cells) or (reader.line_num == 1 and tuple(cells) == COLUMNS):
            continue
        where = f"{path}, line {reader.line_num}"
        try:
            time_s, hz = (float(cell) for cell in cells)
        except ValueError:
            raise FeatureError(
                f"{where}: expected two numbers, {','.join(COLUMNS)}, got {','.join(cells)!r}"
            ) from None
        if not (0 <= time_s < math.inf):
            raise FeatureError(f"{where}: a time is 0 s or more, got {cells[0]}")
        if time_s <= before_s:
            raise FeatureError(
                f"{where}: {time_s:g} s does not come after {before_s:g} s; sort the rows by time"
            )
        if hz != 0 and not LOWEST_HZ <= hz <= HIGHEST_HZ:
            raise FeatureError(
                f"{where}: a pitch is 0 (unvoiced) or {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz, "
                f"got {cells[1]}"
            )
        before_s = time_s
        yield time_s, hz
