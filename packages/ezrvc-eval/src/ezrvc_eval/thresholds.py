"""What a run must reach: `wer<0.15`."""

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ezrvc_eval.errors import EvalError
from ezrvc_eval.evaluation import Evaluation
from ezrvc_eval.metric import Metric
from ezrvc_eval.metrics.registry import find_metric

_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_FORM = re.compile(r"\s*([a-z0-9_]+)\s*(<=|>=|<|>)\s*([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\s*")


@dataclass(frozen=True)
class Requirement:
    """A bound that one metric over all recordings must keep.

    Attributes:
        metric: which.
        relation: one of < <= > >=.
        bound: in the metric's unit.
    """

    metric: Metric
    relation: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `wer<0.15`.

        Raises:
            EvalError: the text is no requirement, or there is no such metric.
        """
        match = _FORM.fullmatch(text)
        try:
            bound = float(match[3]) if match else None
        except ValueError:
            bound = None
        if match is None or bound is None:
            raise EvalError(f"requirement {text!r} is not of the form metric<number, as wer<0.15")
        return cls(find_metric(match[1]), match[2], bound)

    def __str__(self) -> str:
        return f"{self.metric.name}{self.relation}{self.bound:g}"

    def holds(self, value: float) -> bool:
        """Whether a value keeps the bound."""
        return bool(_OPERATORS[self.relation](value, self.bound))


def unmet(requirements: Sequence[Requirement], evaluation: Evaluation) -> list[str]:
    """A line for each requirement that is not met; what was not measured is not met."""
    lines: list[str] = []
    for requirement in requirements:
        metric = requirement.metric
        if metric.name not in evaluation.summary:
            reason = evaluation.skipped.get(metric.name, "it was not asked for")
            lines.append(f"{requirement} is required, but {metric.name} was not measured: {reason}")
            continue
        value = evaluation.summary[metric.name].value
        if not requirement.holds(value):
            unit = f" {metric.unit}" if metric.unit else ""
            lines.append(
                f"{requirement} is required, but {metric.name} is {value:.{metric.decimals}f}{unit}"
            )
    return lines
