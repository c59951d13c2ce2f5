"""What a metric is, and what one measurement gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["higher", "lower", "zero", "none"]
"""Which values are better: higher, lower, those near zero; or the metric only describes."""

Need = Literal["reference", "text", "target", "timing"]
"""What a metric needs beside the converted recording, see `ezrvc_eval.items.EvaluationItem`."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that says something of a converted recording.

    Attributes:
        name: by which reports, thresholds and code call it.
        family: the meter that measures it, see `ezrvc_eval.metrics.registry`.
        title: a few words for people.
        unit: empty for a plain number.
        range: lowest and highest value it can take; infinity where there is no bound.
        direction: which values are better.
        needs: without any of these it is not measured.
        source: the paper or program that defines it.
        summary: one sentence: what is measured, and how.
        pooling: how the values of several recordings become one.
        decimals: digits shown behind the point.
    """

    name: str
    family: str
    title: str
    unit: str
    range: tuple[float, float]
    direction: Direction
    source: str
    summary: str
    needs: tuple[Need, ...] = ()
    pooling: Literal["mean", "max"] = "mean"
    decimals: int = 2

    def better(self, left: float, right: float) -> bool:
        """Whether `left` is better than `right`; never, for a metric that only describes."""
        if self.direction == "higher":
            return left > right
        if self.direction == "lower":
            return left < right
        return self.direction == "zero" and abs(left) < abs(right)

    def named_in(self, note: str) -> bool:
        """Whether a note of a `Measurement` is about this metric."""
        names = note.partition(":")[0].split(", ")
        return self.name in names or self.family in names


@dataclass(frozen=True)
class Score:
    """One metric of one recording.

    Attributes:
        value: in the metric's unit; always finite.
        weight: share in the mean over recordings: words for WER, seconds for rates, else 1.
    """

    value: float
    weight: float = 1.0


@dataclass(frozen=True)
class Measurement:
    """What one meter says of one recording.

    Attributes:
        scores: by name of metric; a metric that cannot be told of this recording is left out.
        notes: why something was left out, one line each; it begins with the names of metrics, or
            of the family, and a colon.
        texts: words that belong to the scores, as what was heard.
    """

    scores: Mapping[str, Score] = field(default_factory=dict[str, Score])
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
