"""The best validation of a run, and whether validation still gets better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

VALIDATION_METRIC = "validation/mel"
"""What decides which checkpoint is the best: the lowest is."""
PATIENCE = 5
"""Validations that may pass without a clear improvement."""
LEAST_IMPROVEMENT = 0.01
"""What counts as a clear improvement: a hundredth of the value."""


@dataclass(frozen=True)
class Validated:
    """What validation said at a step."""

    step: int
    value: float


def validations(rows: Iterable[Mapping[str, float]]) -> list[Validated]:
    """The validations among the rows of a metrics file, in their order."""
    return [
        Validated(int(row["step"]), row[VALIDATION_METRIC])
        for row in rows
        if VALIDATION_METRIC in row
    ]


def best_of(found: Iterable[Validated]) -> Validated | None:
    """The lowest; of equals the earliest. None when there are none."""
    return min(found, key=lambda each: (each.value, each.step), default=None)


def advice_to_stop(found: list[Validated]) -> str | None:
    """Advice to stop when validation has flattened, else None.

    It has when the best of the last `PATIENCE` validations is not lower than the best before them
    by `LEAST_IMPROVEMENT` of that.
    """
    before, recent = best_of(found[:-PATIENCE]), best_of(found[-PATIENCE:])
    if before is None or recent is None or recent.value < before.value * (1 - LEAST_IMPROVEMENT):
        return None
    best = best_of(found)
    assert best is not None
    return (
        f"{VALIDATION_METRIC} has not fallen by {LEAST_IMPROVEMENT:.0%} in the last {PATIENCE} "
        f"validations (best {best.value:.4f} at step {best.step}): more steps will hardly help; "
        "stop here, or add recordings"
    )
