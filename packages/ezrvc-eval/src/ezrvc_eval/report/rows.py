"""The metrics as rows and tiles of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ezrvc_eval.bootstrap import Interval
from ezrvc_eval.comparison import Comparison, MetricComparison
from ezrvc_eval.evaluation import Evaluation
from ezrvc_eval.metric import Metric
from ezrvc_eval.report.charts import forest_bar, scale_bar

_BETTER = {"higher": "↑ higher", "lower": "↓ lower", "zero": "near 0", "none": ""}
_GROUPS = {
    "intelligibility": "Intelligibility",
    "speaker": "Speaker",
    "pitch": "Pitch",
    "spectral": "Spectrum",
    "dnsmos": "Naturalness",
    "utmos": "Naturalness",
    "level": "Level",
    "clicks": "Level",
    "speed": "Speed",
}
_HEADLINES = {
    "wer": (0.0, 0.5),
    "speaker_similarity": (0.4, 1.0),
    "f0_correlation": (0.0, 1.0),
    "dnsmos_overall": (1.0, 5.0),
    "clicks": (0.0, 10.0),
    "real_time_factor": (0.0, 1.0),
    "mcd": (0.0, 12.0),
    "f0_rmse": (0.0, 200.0),
}
"""Metrics of the tiles, in this order, and what their scales cover at least."""
_MOST_TILES = 6


@dataclass(frozen=True)
class Row:
    """One metric as the page shows it.

    Attributes:
        metric: which.
        interval: of the run.
        group: under which heading.
        compared: with another run.
    """

    metric: Metric
    interval: Interval
    group: str
    compared: MetricComparison | None

    @property
    def better(self) -> str:
        """Which values are."""
        return _BETTER[self.metric.direction]

    @property
    def has_interval(self) -> bool:
        """Whether there is anything between the bounds."""
        return self.interval.n > 1 and self.metric.pooling == "mean"

    @property
    def forest(self) -> Markup:
        """The difference to the other run, drawn; nothing where there is none."""
        if self.compared is None or self.compared.difference is None:
            return Markup("")
        return forest_bar(self.compared.difference, self.compared.verdict)


def metric_rows(evaluation: Evaluation, comparison: Comparison | None) -> list[Row]:
    """The measured metrics in the catalogue's order."""
    compared = {} if comparison is None else {row.metric.name: row for row in comparison.rows}
    return [
        Row(
            metric,
            evaluation.summary[metric.name],
            _GROUPS[metric.family],
            compared.get(metric.name),
        )
        for metric in evaluation.metrics
    ]


def tiles(rows: Sequence[Row], against: Evaluation | None) -> list[tuple[Row, Markup]]:
    """What is told first: at most six metrics, each on its scale; the other run below."""
    by_name = {row.metric.name: row for row in rows}
    chosen = [by_name[name] for name in _HEADLINES if name in by_name] or list(rows)
    return [(row, _scale(row, against)) for row in chosen[:_MOST_TILES]]


def _scale(row: Row, against: Evaluation | None) -> Markup:
    runs = [(row.interval, "second")]
    if against is not None and row.metric.name in against.summary:
        runs.append((against.summary[row.metric.name], "first"))
    bounds = [bound for each, _ in runs for bound in (each.low, each.high, each.value)]
    low, high = _HEADLINES.get(row.metric.name, (0.0, 1e-9))
    if min(bounds) < low:  # what lies outside widens the scale, to two digits
        low = max(float(f"{min(bounds) - abs(min(bounds)) * 0.1:.2g}"), row.metric.range[0])
    if max(bounds) > high:
        high = min(float(f"{max(bounds) + abs(max(bounds)) * 0.1:.2g}"), row.metric.range[1])
    return scale_bar((low, high), runs)
