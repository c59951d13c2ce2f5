"""How sure is a mean over recordings? Intervals by drawing the recordings anew.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993): the percentile interval, with whole
recordings as the units. For WER this is what Bisani and Ney propose (ICASSP 2004).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ezrvc_eval.metric import Score

CONFIDENCE = 0.95
_AT_ONCE = 1 << 22
_Statistic = Callable[[NDArray[np.intp]], NDArray[np.float64]]


@dataclass(frozen=True)
class Interval:
    """A value and between which bounds it lies with 95 % confidence.

    Attributes:
        value: over all recordings.
        low: lower bound.
        high: upper bound.
        n: recordings.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        """As `0.873 [0.802, 0.941] n=6`."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"


def pooled(scores: Sequence[Score], pooling: Literal["mean", "max"] = "mean") -> float:
    """One value of several: the mean by weight, or the greatest.

    Raises:
        ValueError: there are none.
    """
    values, weights = _arrays(scores)
    return float(values.max() if pooling == "max" else values @ weights / weights.sum())


def confidence_interval(
    scores: Sequence[Score],
    pooling: Literal["mean", "max"] = "mean",
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The pooled value of several recordings with its interval; one recording has no width.

    Nor has the greatest value: of a maximum the bootstrap tells nothing (Bickel and Freedman, "Some
    asymptotic theory for the bootstrap", Annals of Statistics 1981), so both bounds are the value.

    Raises:
        ValueError: there are no scores.
    """
    values, weights = _arrays(scores)
    value = pooled(scores, pooling)
    if pooling == "max":
        return Interval(value, value, value, len(values))
    drawn = _draw(len(values), n_resamples, seed, lambda chosen: _means(values, weights, chosen))
    low, high = _bounds(drawn)
    return Interval(value, low, high, len(values))


def paired_difference(
    first: Sequence[Score],
    second: Sequence[Score],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """How much the second mean is above the first, the same recordings drawn for both.

    Args:
        first: scores of one run.
        second: scores of another, of the same recordings in the same order.
        n_resamples: how often to draw.
        seed: of the drawing.

    Raises:
        ValueError: there are none, or not equally many.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} scores make no pairs")
    left, left_weights = _arrays(first)
    right, right_weights = _arrays(second)
    drawn = _draw(
        len(left),
        n_resamples,
        seed,
        lambda chosen: _means(right, right_weights, chosen) - _means(left, left_weights, chosen),
    )
    low, high = _bounds(drawn)
    return Interval(pooled(second) - pooled(first), low, high, len(left))


def _arrays(scores: Sequence[Score]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not scores:
        raise ValueError("the mean of no scores is not defined")
    values = np.array([score.value for score in scores], np.float64)
    return values, np.array([score.weight for score in scores], np.float64)


def _means(
    values: NDArray[np.float64], weights: NDArray[np.float64], chosen: NDArray[np.intp]
) -> NDArray[np.float64]:
    drawn_weights = weights[chosen]
    return (values[chosen] * drawn_weights).sum(axis=1) / drawn_weights.sum(axis=1)


def _draw(n: int, n_resamples: int, seed: int, statistic: _Statistic) -> NDArray[np.float64]:
    """The statistic of each resample, in batches that bound memory."""
    random = np.random.default_rng(seed)
    batch = max(1, _AT_ONCE // n)
    parts = [
        statistic(random.integers(0, n, (min(batch, n_resamples - start), n)))
        for start in range(0, n_resamples, batch)
    ]
    return np.concatenate(parts)


def _bounds(drawn: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
