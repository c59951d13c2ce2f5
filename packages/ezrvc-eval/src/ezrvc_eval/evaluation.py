"""What an evaluation found: scores of every recording, and of all together; in and out of JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from ezrvc_device.atomic import write_text
from ezrvc_eval.bootstrap import Interval, confidence_interval
from ezrvc_eval.errors import EvalError
from ezrvc_eval.metric import Metric, Score
from ezrvc_eval.metrics.catalogue import METRICS
from ezrvc_eval.metrics.registry import find_metric

FORMAT = 1
"""Of report.json."""
_N_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class TakeResult:
    """What was found of one recording.

    Attributes:
        name: of the item.
        converted: the recording.
        reference: what it was held against.
        duration_s: of the recording.
        scores: by metric.
        notes: why a metric could not be told.
        texts: words that belong to the scores, as what was heard.
    """

    name: str
    converted: Path
    reference: Path | None
    duration_s: float
    scores: Mapping[str, Score]
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of several recordings.

    Attributes:
        title: what was evaluated.
        takes: one a recording that could be read, in order.
        skipped: line that says why, by metric, of metrics that no recording was given.
        failures: name and reason of each recording that could not be read.
        settings: how it was measured.
        n_resamples: how often recordings are drawn anew for an interval.
    """

    title: str
    takes: tuple[TakeResult, ...]
    skipped: Mapping[str, str] = field(default_factory=dict[str, str])
    failures: tuple[tuple[str, str], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    n_resamples: int = _N_RESAMPLES

    @cached_property
    def summary(self) -> dict[str, Interval]:
        """Each measured metric over all recordings, in the catalogue's order."""
        scores = {metric.name: list(self.scores_of(metric.name).values()) for metric in METRICS}
        return summarise(scores, n_resamples=self.n_resamples)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What was measured."""
        return tuple(find_metric(name) for name in self.summary)

    @property
    def duration_s(self) -> float:
        """Seconds of sound that were evaluated."""
        return sum(take.duration_s for take in self.takes)

    def scores_of(self, metric: str) -> dict[str, Score]:
        """The scores of one metric by name of recording."""
        return {t.name: t.scores[metric] for t in self.takes if metric in t.scores}

    def to_tree(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "format": FORMAT,
            "title": self.title,
            "settings": dict(self.settings),
            "summary": {
                name: {
                    "value": each.value,
                    "low": each.low,
                    "high": each.high,
                    "n": each.n,
                    "unit": find_metric(name).unit,
                    "direction": find_metric(name).direction,
                }
                for name, each in self.summary.items()
            },
            "skipped": dict(self.skipped),
            "failures": [{"name": name, "reason": reason} for name, reason in self.failures],
            "recordings": [_take_tree(take) for take in self.takes],
        }

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Self:
        """The evaluation that `to_tree` describes.

        Raises:
            KeyError, TypeError, ValueError: the tree is of something else.
        """
        if tree["format"] != FORMAT:
            raise ValueError(f"format {tree['format']!r} is not {FORMAT}")
        return cls(
            title=str(tree["title"]),
            takes=tuple(_take_of(each) for each in tree["recordings"]),
            skipped=dict(tree["skipped"]),
            failures=tuple((each["name"], each["reason"]) for each in tree["failures"]),
            settings=dict(tree["settings"]),
            n_resamples=int(tree["settings"].get("bootstrap_resamples", _N_RESAMPLES)),
        )

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        write_text(path, json.dumps(self.to_tree(), ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; of a folder, its `report.json`.

        Raises:
            EvalError: it is missing or something else.
        """
        file = path / "report.json" if path.is_dir() else path
        try:
            return cls.from_tree(json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise EvalError(f"{file}: cannot be read ({error.strerror or error})") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvalError(f"{file}: is no report of an evaluation ({error})") from error


def summarise(
    scores: Mapping[str, Sequence[Score]], *, n_resamples: int = _N_RESAMPLES
) -> dict[str, Interval]:
    """Scores of several recordings as one interval a metric, in the catalogue's order.

    Args:
        scores: by name of metric; metrics without any are left out.
        n_resamples: how often recordings are drawn anew.
    """
    return {
        metric.name: confidence_interval(
            scores[metric.name], metric.pooling, n_resamples=n_resamples
        )
        for metric in METRICS
        if scores.get(metric.name)
    }


def _take_tree(take: TakeResult) -> dict[str, Any]:
    return {
        "name": take.name,
        "converted": str(take.converted),
        "reference": None if take.reference is None else str(take.reference),
        "duration_s": take.duration_s,
        "scores": {n: {"value": s.value, "weight": s.weight} for n, s in take.scores.items()},
        "notes": list(take.notes),
        "texts": dict(take.texts),
    }


def _take_of(tree: Mapping[str, Any]) -> TakeResult:
    return TakeResult(
        name=str(tree["name"]),
        converted=Path(tree["converted"]),
        reference=None if tree["reference"] is None else Path(tree["reference"]),
        duration_s=float(tree["duration_s"]),
        scores={
            name: Score(float(score["value"]), float(score["weight"]))
            for name, score in tree["scores"].items()
        },
        notes=tuple(tree["notes"]),
        texts=dict(tree["texts"]),
    )
