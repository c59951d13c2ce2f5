"""The metrics by name, and the meters that measure them. A meter's models load when it is built."""

import difflib
import importlib
from collections.abc import Sequence
from typing import Protocol

from ezrvc_device.progress import Progress, silent
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import EvalError, MissingWeightsError
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Metric
from ezrvc_eval.metrics.catalogue import FAMILIES, METRICS

_BY_NAME = {metric.name: metric for metric in METRICS}


class Meter(Protocol):
    """Measures the metrics of one family."""

    def measure(self, take: Take) -> Measurement:
        """Measure what can be told of a recording; what it lacks is left out.

        Raises:
            FeatureError: the sound holds too little to tell.
            AudioError: the sound cannot be measured.
        """
        ...


def list_metrics() -> tuple[Metric, ...]:
    """All metrics."""
    return METRICS


def find_metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        EvalError: there is none; the message names the nearest.
    """
    if name not in _BY_NAME:
        raise EvalError(f"unknown metric {name!r}, {_hint(name, tuple(_BY_NAME))}")
    return _BY_NAME[name]


def chosen_metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics that names of metrics and of families mean; all for no names.

    Raises:
        EvalError: a name is neither.
    """
    for name in names:
        if name not in _BY_NAME and name not in FAMILIES:
            raise EvalError(f"unknown metric {name!r}, {_hint(name, (*_BY_NAME, *FAMILIES))}")
    wanted = set(names)
    return tuple(m for m in METRICS if not wanted or wanted & {m.name, m.family})


def load_meter(
    family: str, config: EvaluationConfig, *, device: str = "auto", progress: Progress = silent
) -> Meter:
    """Build the meter of a family, its models loaded.

    Args:
        family: one of `catalogue.FAMILIES`; its module is `ezrvc_eval.metrics.<family>`.
        config: which models.
        device: what torch networks run on, see `ezrvc_device.resolve_device`.
        progress: told how far downloads are.

    Raises:
        MissingWeightsError: its weights are not here; the message says how to get them.
        EvalError: the configuration asks for what is not there.
    """
    if family not in FAMILIES:
        raise EvalError(f"unknown family {family!r}, {_hint(family, FAMILIES)}")
    return importlib.import_module(f"ezrvc_eval.metrics.{family}").load(config, device, progress)


def load_meters(
    metrics: Sequence[Metric],
    config: EvaluationConfig,
    *,
    device: str = "auto",
    progress: Progress = silent,
) -> tuple[dict[str, Meter], dict[str, str]]:
    """Build the meters of several metrics.

    Returns:
        The meters by family; and for each family that cannot be had, the line that says how to
        get it.

    Raises:
        EvalError: the configuration asks for what is not there.
    """
    meters: dict[str, Meter] = {}
    skipped: dict[str, str] = {}
    for family in dict.fromkeys(metric.family for metric in metrics):
        try:
            meters[family] = load_meter(family, config, device=device, progress=progress)
        except MissingWeightsError as error:
            skipped[family] = str(error)
    return meters, skipped


def _hint(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
