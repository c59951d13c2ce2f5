"""The public names, for type checkers and for the lazy loader alike."""

from .bootstrap import Interval, confidence_interval, paired_difference
from .comparison import Comparison, MetricComparison, compare
from .config import EvaluationConfig
from .errors import EvalError, MissingWeightsError
from .evaluation import Evaluation, TakeResult
from .items import (
    EvaluationItem,
    Take,
    Timing,
    items_of_folder,
    read_test_list,
    read_texts,
    recordings_in,
)
from .metric import Measurement, Metric, Score
from .metrics.catalogue import CONVERSION_METRICS
from .metrics.registry import find_metric, list_metrics
from .metrics.speed import SpeedProbe
from .report import write_report
from .scoring import Scorer, score
from .thresholds import Requirement, unmet
from .validation import MadeSound, SoundJudge

__all__ = [
    "CONVERSION_METRICS",
    "Comparison",
    "EvalError",
    "Evaluation",
    "EvaluationConfig",
    "EvaluationItem",
    "Interval",
    "MadeSound",
    "Measurement",
    "Metric",
    "MetricComparison",
    "MissingWeightsError",
    "Requirement",
    "Score",
    "Scorer",
    "SoundJudge",
    "SpeedProbe",
    "Take",
    "TakeResult",
    "Timing",
    "compare",
    "confidence_interval",
    "find_metric",
    "items_of_folder",
    "list_metrics",
    "paired_difference",
    "read_test_list",
    "read_texts",
    "recordings_in",
    "score",
    "unmet",
    "write_report",
]
