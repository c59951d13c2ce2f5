"""What an evaluation found, for people (lines) and for machines (a JSON tree)."""

from typing import Any

from ezrvc_cli.pipeline.evaluate import Outcome


def evaluation_lines(outcome: Outcome) -> list[str]:
    """Every metric with its interval, what was left out and why, and where the report is."""
    evaluation = outcome.evaluation
    compared = {} if outcome.comparison is None else {
        row.metric.name: row for row in outcome.comparison.rows
    }  # fmt: skip
    lines: list[str] = []
    for metric in evaluation.metrics:
        each = evaluation.summary[metric.name]
        digits = metric.decimals
        line = f"{metric.name:<20}{each.value:>z10.{digits}f} {metric.unit:<6}"
        if each.n > 1 and metric.pooling == "mean":
            line += f" {each.low:z.{digits}f} … {each.high:z.{digits}f}"
        if metric.name in compared:
            row = compared[metric.name]
            line += f"  was {row.first.value:z.{digits}f}: {row.verdict}"
        lines.append(line.rstrip())
    reasons: dict[str, list[str]] = {}
    for name, reason in evaluation.skipped.items():
        reasons.setdefault(reason, []).append(name)
    lines += [f"skipped {', '.join(names)}: {reason}" for reason, names in reasons.items()]
    lines.append(
        f"evaluated {len(evaluation.takes)} recordings, {evaluation.duration_s:.1f} s; "
        f"report {outcome.page}"
    )
    return lines


def evaluation_summary(outcome: Outcome) -> dict[str, Any]:
    """The same as a tree, without the single recordings, which are in report.json."""
    tree = outcome.evaluation.to_tree()
    return {
        "report": outcome.page,
        "data": outcome.data,
        "recordings": len(outcome.evaluation.takes),
        "summary": tree["summary"],
        "skipped": tree["skipped"],
        "failures": tree["failures"],
        "comparison": None if outcome.comparison is None else outcome.comparison.to_tree(),
        "unmet": list(outcome.unmet),
    }
