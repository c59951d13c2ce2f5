"""The page and the JSON file that an evaluation leaves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ezrvc_device.atomic import write_text
from ezrvc_eval.comparison import FEWEST_PAIRS, Comparison
from ezrvc_eval.evaluation import Evaluation, TakeResult
from ezrvc_eval.metric import Metric
from ezrvc_eval.report.cases import badness, build_cases, shown_values
from ezrvc_eval.report.charts import Strip, strip_chart
from ezrvc_eval.report.rows import Row, metric_rows, tiles
from ezrvc_eval.thresholds import Requirement, check
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.registry import load_f0_estimator


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        page: report.html.
        data: report.json.
    """

    page: Path
    data: Path


def write_report(
    folder: Path,
    evaluation: Evaluation,
    *,
    against: Evaluation | None = None,
    comparison: Comparison | None = None,
    requirements: Sequence[Requirement] = (),
    worst_cases: int = 4,
    device: str = "auto",
) -> Report:
    """Write report.html, with everything inside, and report.json.

    Args:
        folder: where; made if it is not there.
        evaluation: the run.
        against: another run, drawn beside it.
        comparison: of the two, see `ezrvc_eval.comparison.compare`.
        requirements: what the run must reach; the page says of each whether it does.
        worst_cases: how many recordings are shown with sound and pictures.
        device: what the pitch estimator runs on.
    """
    estimator = _estimator(evaluation, device) if worst_cases else None
    page, data = folder / "report.html", folder / "report.json"
    checks = [check(requirement, evaluation) for requirement in requirements]
    tree = evaluation.to_tree()
    if comparison is not None:
        tree["comparison"] = comparison.to_tree()
    tree["requirements"] = {str(each.requirement): each.met for each in checks}
    tree["unmet"] = [each.line for each in checks if not each.met]
    write_text(data, json.dumps(tree, ensure_ascii=False, indent=1) + "\n")
    rows = metric_rows(evaluation, comparison)
    cases = build_cases(evaluation, worst_cases, estimator)
    everything_shown = len(evaluation.takes) <= len(cases)
    content = _render(
        evaluation=evaluation,
        against=against,
        comparison=comparison,
        fewest_pairs=FEWEST_PAIRS,
        checks=checks,
        all_met=all(each.met for each in checks),
        tiles=tiles(rows, against),
        all_rows=rows,
        groups=[(name, list(each)) for name, each in groupby(rows, lambda row: row.group)],
        charts=_charts(rows, evaluation, against),
        cases=cases,
        cases_title="Recordings" if everything_shown else "Worst cases",
        values_of=lambda take: shown_values(take, evaluation.metrics),
        badness_of=_shading(evaluation),
    )
    write_text(page, content)
    return Report(page, data)


def _render(**values: object) -> str:
    """The template with its style and script inside."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["value"] = format_value
    environment.filters["duration"] = format_duration
    parts = files("ezrvc_eval.report")
    style, script, template = (
        (parts / name).read_text(encoding="utf-8")
        for name in ("page.css", "page.js", "page.html.j2")
    )
    return environment.from_string(template).render(
        values, style=Markup(style), script=Markup(script)
    )


def _charts(
    rows: Sequence[Row], evaluation: Evaluation, against: Evaluation | None
) -> list[tuple[Metric, Markup]]:
    """A chart for each metric of which there is anything to draw: two recordings that differ."""
    runs = [(run, css) for run, css in ((against, "first"), (evaluation, "second")) if run]
    charts: list[tuple[Metric, Markup]] = []
    for metric in (row.metric for row in rows):
        strips = [
            Strip(
                {name: score.value for name, score in run.scores_of(metric.name).items()},
                run.summary[metric.name],
                css,
            )
            for run, css in runs
            if metric.name in run.summary
        ]
        if len({value for strip in strips for value in strip.values.values()}) > 1:
            charts.append((metric, strip_chart(metric, strips)))
    return charts


def _shading(evaluation: Evaluation) -> Callable[[TakeResult, Metric], Markup]:
    """Says how red a cell of the table of recordings is."""
    shades = {metric.name: badness(evaluation, metric) for metric in evaluation.metrics}

    def style(take: TakeResult, metric: Metric) -> Markup:
        shade = shades[metric.name].get(take.name, 0.0)
        return Markup(f' style="--badness:{shade:.2f}"' if shade else "")

    return style


def format_value(value: float, metric: Metric, *, sign: bool = False) -> str:
    """A value as people read it, without its unit; near zero it has no sign."""
    text = f"{value:{'+' if sign else ''}.{metric.decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def format_duration(seconds: float) -> str:
    """Seconds as people read them."""
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.1f} minutes"


def _estimator(evaluation: Evaluation, device: str) -> F0Estimator | None:
    """The one that measured, or none where pitch was not measured."""
    name = evaluation.settings.get("f0_method")
    if not isinstance(name, str) or "voicing_error" not in evaluation.summary:
        return None
    return load_f0_estimator(name, device=device)
