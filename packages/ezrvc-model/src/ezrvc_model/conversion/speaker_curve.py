"""Several speakers of one voice whose shares change with time."""

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from ezrvc_model.conversion.speaker_mix import check_weight, read_weight
from ezrvc_model.errors import ModelError

_COLUMNS = ("time_s", "speaker", "weight")
_LAYOUT = "a list of points with time_s, speaker and weight"


@dataclass(frozen=True)
class SpeakerCurve:
    """Weights of speakers over time.

    Each speaker's weight runs in straight lines between its points and is held before the first
    and after the last; at every instant the weights count by their ratio.

    Attributes:
        points: speaker to its (time_s, weight) points in order of time.

    Raises:
        ModelError: there is no point, a weight is negative or no number, times are negative or do
            not grow, or at some time all weights are 0.
    """

    points: Mapping[str, tuple[tuple[float, float], ...]]

    def __post_init__(self) -> None:
        if not self.points or not all(self.points.values()):
            raise ModelError(f"curve of speakers: has no points; it needs {_LAYOUT}")
        for name, points in self.points.items():
            before_s = -math.inf
            for time_s, weight in points:
                place = f"curve of speakers: {name} at {time_s:g} s"
                if not math.isfinite(time_s) or time_s < 0:
                    raise ModelError(f"{place}: times are 0 or more")
                if time_s <= before_s:
                    raise ModelError(f"{place}: comes twice, or after a later point")
                check_weight(weight, place)
                before_s = time_s
        times_s = np.unique([time_s for points in self.points.values() for time_s, _ in points])
        empty = self._weights_at(times_s).sum(axis=0) == 0
        if empty.any():
            raise ModelError(
                f"curve of speakers: at {times_s[empty][0]:g} s all weights are 0; "
                "somebody must speak"
            )

    @classmethod
    def of_points(cls, points: Iterable[tuple[float, str, float]]) -> Self:
        """From (time_s, speaker, weight) in any order."""
        by_speaker: dict[str, list[tuple[float, float]]] = {}
        for time_s, speaker, weight in points:
            by_speaker.setdefault(speaker, []).append((time_s, weight))
        return cls({name: tuple(sorted(found)) for name, found in by_speaker.items()})

    @property
    def speakers(self) -> tuple[str, ...]:
        """Everybody named."""
        return tuple(self.points)

    def shares_at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shares of the speakers, (n_speakers, n_times), in the order of `speakers`.

        They add up to 1 at every time.
        """
        weights = self._weights_at(times_s)
        return weights / weights.sum(axis=0)

    def _weights_at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(
            [np.interp(times_s, *np.array(points).T) for points in self.points.values()]
        )

    def __str__(self) -> str:
        return f"{' and '.join(self.speakers)} by a curve"


def read_speaker_curve(path: Path) -> SpeakerCurve:
    """Read a curve from a file.

    A `.json` file holds a list of objects with `time_s`, `speaker` and `weight`; any other file is
    CSV with these three columns, a first line that names them may stand above.

    Raises:
        ModelError: the file is missing or laid out otherwise, or is no curve that can be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: cannot be read ({reason})") from error
    points = _json_points(text, path) if path.suffix.lower() == ".json" else _csv_points(text, path)
    try:
        return SpeakerCurve.of_points(points)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _csv_points(text: str, path: Path) -> list[tuple[float, str, float]]:
    points: list[tuple[float, str, float]] = []
    reader = csv.reader(text.splitlines(), skipinitialspace=True)
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells) or (not points and tuple(cells) == _COLUMNS):
            continue
        place = f"{path}, line {reader.line_num}"
        if len(cells) != len(_COLUMNS):
            raise ModelError(f"{place}: {len(cells)} columns, expected {','.join(_COLUMNS)}")
        points.append((read_weight(cells[0], place), cells[1], read_weight(cells[2], place)))
    return points


def _json_points(text: str, path: Path) -> list[tuple[float, str, float]]:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        raise ModelError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(tree, list):
        raise ModelError(f"{path}: expected {_LAYOUT}, got {type(tree).__name__}")
    return [
        _json_point(entry, f"{path}, point {number}")
        for number, entry in enumerate(cast(list[Any], tree), start=1)
    ]


def _json_point(entry: Any, place: str) -> tuple[float, str, float]:
    if not isinstance(entry, dict) or set(cast(dict[str, Any], entry)) != set(_COLUMNS):
        raise ModelError(f"{place}: expected an object of {', '.join(_COLUMNS)}")
    time_s, speaker, weight = (cast(dict[str, Any], entry)[column] for column in _COLUMNS)
    for number in (time_s, weight):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ModelError(f"{place}: {number!r} is not a number")
    if not isinstance(speaker, str):
        raise ModelError(f"{place}: speaker {speaker!r} is not a name")
    return float(time_s), speaker, float(weight)
