"""The catalogue, its page, and the meters agree."""

import math
from pathlib import Path

import pytest

from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import EvalError
from ezrvc_eval.metric import Metric
from ezrvc_eval.metrics.catalogue import FAMILIES, METRICS
from ezrvc_eval.metrics.registry import chosen_metrics, find_metric, load_meter
from ezrvc_eval.metrics.table import main, metrics_page

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_what_the_catalogue_makes(tmp_path: Path) -> None:
    """If this fails: `python -m ezrvc_eval.metrics.table docs/metrics.md`."""
    assert PAGE.read_text("utf-8") == metrics_page()
    main([str(tmp_path / "page.md")])
    assert (tmp_path / "page.md").read_text("utf-8") == metrics_page()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_says_what_it_is(metric: Metric) -> None:
    assert metric.summary
    assert metric.source
    assert metric.range[0] < metric.range[1]
    assert f"`{metric.name}`" in metrics_page()
    assert find_metric(metric.name) is metric


def test_names_are_unique() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    assert set(names).isdisjoint(set(FAMILIES) - {"utmos", "clicks"})


def test_metrics_are_chosen_by_name_and_family() -> None:
    assert [metric.name for metric in chosen_metrics(["wer", "clicks"])] == ["wer", "clicks"]
    assert {metric.family for metric in chosen_metrics(["pitch"])} == {"pitch"}
    assert chosen_metrics([]) == METRICS


def test_wrong_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(EvalError, match="'wre', did you mean 'wer'"):
        find_metric("wre")
    with pytest.raises(EvalError, match="did you mean 'pitch'"):
        chosen_metrics(["pitches"])
    with pytest.raises(EvalError, match="unknown family"):
        load_meter("taste", EvaluationConfig())


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [("wer", 0.1, 0.2), ("dnsmos_overall", 3.0, 2.0), ("f0_shift", -5.0, 10.0)],
)
def test_which_value_is_better(name: str, better: float, worse: float) -> None:
    metric = find_metric(name)
    assert metric.better(better, worse)
    assert not metric.better(worse, better)
    assert not metric.better(better, better)


def test_a_describing_metric_is_never_better() -> None:
    assert not find_metric("loudness").better(-23.0, -math.inf)
