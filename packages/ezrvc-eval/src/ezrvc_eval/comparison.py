"""Two runs over the same recordings, side by side."""

from dataclasses import dataclass
from typing import Any, Literal

from ezrvc_eval.bootstrap import Interval, confidence_interval, paired_difference
from ezrvc_eval.errors import EvalError
from ezrvc_eval.evaluation import Evaluation
from ezrvc_eval.metric import Metric
from ezrvc_eval.metrics.registry import find_metric

Verdict = Literal["better", "worse", "undecided", "different", "too few", "not compared"]
FEWEST_PAIRS = 6
"""Of fewer recordings even a difference of one sign in all of them may well be chance: that of five
comes once in 16 times where there is none."""


@dataclass(frozen=True)
class MetricComparison:
    """One metric of two runs, over the recordings that both have.

    Attributes:
        metric: which.
        first: of the first run.
        second: of the second run.
        difference: second less first, the same recordings drawn for both; None for a metric of
            which the greatest value counts.
        verdict: of the second run: undecided while the interval of the difference holds 0, too few
            where it does not but there are fewer than `FEWEST_PAIRS` recordings.
    """

    metric: Metric
    first: Interval
    second: Interval
    difference: Interval | None
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        first: title of the run that is compared with.
        second: title of the run that is judged.
        rows: one a metric that both have.
    """

    first: str
    second: str
    rows: tuple[MetricComparison, ...]

    def to_tree(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "first": self.first,
            "second": self.second,
            "metrics": {
                row.metric.name: {
                    "first": row.first.value,
                    "second": row.second.value,
                    "difference": None
                    if row.difference is None
                    else {
                        "value": row.difference.value,
                        "low": row.difference.low,
                        "high": row.difference.high,
                    },
                    "n": row.first.n,
                    "verdict": row.verdict,
                }
                for row in self.rows
            },
        }


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two runs on the recordings that have the same name in both.

    Recordings are matched by name; where no name is shared, by the stem of their references.

    Raises:
        EvalError: they share no recording.
    """
    pairs = _pairs(first, second)
    if not pairs:
        raise EvalError(
            f"{first.title!r} and {second.title!r} share no recording: neither names nor "
            "references agree"
        )
    rows: list[MetricComparison] = []
    for name in second.summary:
        metric = find_metric(name)
        left_scores, right_scores = first.scores_of(name), second.scores_of(name)
        both = [(a, b) for a, b in pairs if a in left_scores and b in right_scores]
        if not both:
            continue
        left = [left_scores[a] for a, _ in both]
        right = [right_scores[b] for _, b in both]
        n_resamples = second.n_resamples
        difference = (
            paired_difference(left, right, n_resamples=n_resamples)
            if metric.pooling == "mean"
            else None
        )
        before = confidence_interval(left, metric.pooling, n_resamples=n_resamples)
        after = confidence_interval(right, metric.pooling, n_resamples=n_resamples)
        verdict = _verdict(metric, before, after, difference)
        rows.append(MetricComparison(metric, before, after, difference, verdict))
    return Comparison(first.title, second.title, tuple(rows))


def _verdict(
    metric: Metric, before: Interval, after: Interval, difference: Interval | None
) -> Verdict:
    if difference is None:
        return "not compared"
    if difference.low <= 0 <= difference.high:
        return "undecided"
    if before.n < FEWEST_PAIRS:
        return "too few"
    if metric.better(after.value, before.value):
        return "better"
    return "worse" if metric.better(before.value, after.value) else "different"


def _pairs(first: Evaluation, second: Evaluation) -> list[tuple[str, str]]:
    """Names of the same recording in the first and second run."""
    names = {take.name for take in first.takes}
    same = [(take.name, take.name) for take in second.takes if take.name in names]
    if same:
        return same
    by_reference = {t.reference.stem: t.name for t in first.takes if t.reference is not None}
    return [
        (by_reference[take.reference.stem], take.name)
        for take in second.takes
        if take.reference is not None and take.reference.stem in by_reference
    ]
