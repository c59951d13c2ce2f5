"""Intervals where the answer is known."""

import numpy as np
import pytest

from ezrvc_eval.bootstrap import confidence_interval, paired_difference, pooled
from ezrvc_eval.metric import Score


def scores(values: list[float] | np.ndarray) -> list[Score]:
    return [Score(float(value)) for value in values]


def test_a_mean_goes_by_weight_and_a_maximum_does_not() -> None:
    mixed = [Score(1.0, 9.0), Score(11.0, 1.0)]
    assert pooled(mixed) == 2.0
    assert pooled(mixed, "max") == 11.0


def test_equal_values_leave_no_doubt() -> None:
    interval = confidence_interval(scores([3.0] * 5))
    assert (interval.value, interval.low, interval.high, interval.n) == (3.0, 3.0, 3.0, 5)
    assert confidence_interval(scores([7.0])).high == 7.0


def test_of_many_values_the_interval_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(10, 2, 400)
    interval = confidence_interval(scores(values))
    error = values.std() / 20
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.03)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.03)


def test_intervals_hold_the_truth_about_95_times_of_100() -> None:
    random = np.random.default_rng(2)
    inside = 0
    for trial in range(200):
        interval = confidence_interval(scores(random.normal(0, 1, 40)), n_resamples=400, seed=trial)
        inside += interval.low <= 0 <= interval.high
    assert 178 <= inside <= 199


def test_a_pair_sees_what_two_means_hide() -> None:
    """Recordings differ by 10, runs by 0.1 in each: only pairs show it."""
    hard = np.linspace(0, 10, 30)
    first, second = scores(hard), scores(hard + 0.1)
    difference = paired_difference(first, second)
    assert difference.value == pytest.approx(0.1)
    assert difference.low == pytest.approx(0.1)
    assert confidence_interval(first).high > confidence_interval(second).low


def test_the_same_seed_draws_the_same() -> None:
    values = scores([1, 5, 2, 9])
    assert confidence_interval(values) == confidence_interval(values)
    assert confidence_interval(values) != confidence_interval(values, seed=1, n_resamples=50)


def test_the_greatest_of_several_has_no_interval() -> None:
    interval = confidence_interval(scores([1, 2, 3]), "max")
    assert (interval.low, interval.value, interval.high, interval.n) == (3, 3, 3, 3)


def test_of_two_values_every_resample_is_known() -> None:
    """Of 0 and 1 the means are 0, 1/2 and 1, with shares 1/4, 1/2 and 1/4: no bound is inside."""
    interval = confidence_interval(scores([0, 1]))
    assert (interval.low, interval.value, interval.high) == (0, 0.5, 1)


def test_a_share_has_the_interval_of_the_binomial() -> None:
    """30 of 100: the mean of a resample is binomial, with a standard error of 0.0458."""
    interval = confidence_interval(scores([1.0] * 30 + [0.0] * 70))
    assert interval.value == pytest.approx(0.3)
    assert interval.low == pytest.approx(0.3 - 1.96 * 0.0458, abs=0.011)
    assert interval.high == pytest.approx(0.3 + 1.96 * 0.0458, abs=0.011)


def test_an_interval_reads_well() -> None:
    assert str(confidence_interval(scores([3.0] * 5))) == "3.000 [3.000, 3.000] n=5"


def test_nothing_and_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="mean of no scores"):
        pooled([])
    with pytest.raises(ValueError, match="1 and 2 scores make no pairs"):
        paired_difference(scores([1]), scores([1, 2]))
