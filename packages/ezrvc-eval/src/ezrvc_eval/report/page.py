"""The page and the JSON file that an evaluation leaves."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ezrvc_device.atomic import write_text
from ezrvc_eval.bootstrap import Interval
from ezrvc_eval.comparison import Comparison, MetricComparison
from ezrvc_eval.evaluation import Evaluation
from ezrvc_eval.metric import Metric
from ezrvc_eval.report.cases import build_cases, shown_values
from ezrvc_eval.report.charts import Strip, strip_chart
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.registry import load_f0_estimator

_ARROWS = {"higher": "↑", "lower": "↓", "zero": "≈0", "none": ""}
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


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        page: report.html.
        data: report.json.
    """

    page: Path
    data: Path


@dataclass(frozen=True)
class _Row:
    metric: Metric
    interval: Interval
    group: str
    compared: MetricComparison | None

    @property
    def arrow(self) -> str:
        return _ARROWS[self.metric.direction]


def write_report(
    folder: Path,
    evaluation: Evaluation,
    *,
    against: Evaluation | None = None,
    comparison: Comparison | None = None,
    unmet: Sequence[str] = (),
    worst_cases: int = 4,
    device: str = "auto",
) -> Report:
    """Write report.html, with everything inside, and report.json.

    Args:
        folder: where; made if it is not there.
        evaluation: the run.
        against: another run, drawn beside it.
        comparison: of the two, see `ezrvc_eval.comparison.compare`.
        unmet: a line for each requirement that is not met.
        worst_cases: how many recordings are shown with sound and pictures.
        device: what the pitch estimator runs on.
    """
    estimator = _estimator(evaluation, device) if worst_cases else None
    page, data = folder / "report.html", folder / "report.json"
    tree = evaluation.to_tree()
    if comparison is not None:
        tree["comparison"] = comparison.to_tree()
    tree["unmet"] = list(unmet)
    write_text(data, json.dumps(tree, ensure_ascii=False, indent=1) + "\n")
    write_text(page, _render(evaluation, against, comparison, unmet, worst_cases, estimator))
    return Report(page, data)


def _render(
    evaluation: Evaluation,
    against: Evaluation | None,
    comparison: Comparison | None,
    unmet: Sequence[str],
    worst_cases: int,
    estimator: F0Estimator | None,
) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["value"] = format_value
    template = environment.from_string(
        (files("ezrvc_eval.report") / "page.html.j2").read_text(encoding="utf-8")
    )
    compared = {} if comparison is None else {row.metric.name: row for row in comparison.rows}
    rows = [
        _Row(metric, evaluation.summary[metric.name], _GROUPS[metric.family],
             compared.get(metric.name))
        for metric in evaluation.metrics
    ]  # fmt: skip
    cases = build_cases(evaluation, worst_cases, estimator)
    return template.render(
        evaluation=evaluation,
        against=against,
        comparison=comparison,
        unmet=unmet,
        rows=rows,
        charts=[
            (row.metric, _chart(row.metric, evaluation, against))
            for row in rows
            if _varies(row.metric, evaluation, against)
        ],
        cases=cases,
        values_of=lambda take: shown_values(take, evaluation.metrics),
    )


def _varies(metric: Metric, *runs: Evaluation | None) -> bool:
    """Whether there is anything to draw: two recordings that differ."""
    scores = [run.scores_of(metric.name) for run in runs if run is not None]
    return len({score.value for each in scores for score in each.values()}) > 1


def _chart(metric: Metric, evaluation: Evaluation, against: Evaluation | None) -> Markup:
    """Every recording a dot; nothing but our own SVG, whose texts are escaped."""
    strips = [
        Strip(
            {name: score.value for name, score in run.scores_of(metric.name).items()},
            run.summary[metric.name],
            css,
        )
        for run, css in ((against, "first"), (evaluation, "second"))
        if run is not None and metric.name in run.summary
    ]
    return Markup(strip_chart(metric, strips))


def format_value(value: float, metric: Metric, *, sign: bool = False) -> str:
    """A value as people read it, without its unit; near zero it has no sign."""
    text = f"{value:{'+' if sign else ''}.{metric.decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def _estimator(evaluation: Evaluation, device: str) -> F0Estimator | None:
    """The one that measured, or none where pitch was not measured."""
    name = evaluation.settings.get("f0_method")
    if not isinstance(name, str) or "voicing_error" not in evaluation.summary:
        return None
    return load_f0_estimator(name, device=device)
