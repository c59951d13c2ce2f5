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


@dataclass(frozen=True)
class Check:
    """A requirement held against a run.

    Attributes:
        requirement: what is required.
        value: of the run; None: it was not measured.
        line: what is wrong, for people; empty where the requirement is met.
    """

    requirement: Requirement
    value: float | None
    line: str

    @property
    def met(self) -> bool:
        """Whether the run keeps the bound."""
        return not self.line


def check(requirement: Requirement, evaluation: Evaluation) -> Check:
    """Hold a run to a requirement; what was not measured is not met."""
    metric = requirement.metric
    if metric.name not in evaluation.summary:
        reason = evaluation.skipped.get(metric.name, "it was not asked for")
        line = f"{requirement} is required, but {metric.name} was not measured: {reason}"
        return Check(requirement, None, line)
    value = evaluation.summary[metric.name].value
    if requirement.holds(value):
        return Check(requirement, value, "")
    shown = f"{value:.{metric.decimals}f}"
    if requirement.holds(float(shown)):  # rounded it would seem to be met
        shown = f"{value:.6g}"
    shown = f"{shown} {metric.unit}".rstrip()
    return Check(requirement, value, f"{requirement} is required, but {metric.name} is {shown}")


def unmet(requirements: Sequence[Requirement], evaluation: Evaluation) -> list[str]:
    """A line for each requirement that is not met; what was not measured is not met."""
    checks = [check(requirement, evaluation) for requirement in requirements]
    return [each.line for each in checks if not each.met]
