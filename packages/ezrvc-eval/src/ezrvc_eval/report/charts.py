"""Distributions as SVG inside the page: a dot for each recording, the mean and its interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from ezrvc_eval.bootstrap import Interval
from ezrvc_eval.metric import Metric

WIDTH = 420
_LEFT = 8
_RIGHT = 8
_ROW = 46
_AXIS = 22
_DOT = 3.2
_MOST_STACKED = 5


@dataclass(frozen=True)
class Strip:
    """One run in a chart.

    Attributes:
        values: of the recordings, by name.
        interval: of all together.
        css: class of its colour.
    """

    values: Mapping[str, float]
    interval: Interval
    css: str


def strip_chart(metric: Metric, strips: Sequence[Strip]) -> str:
    """Dots of one metric, a row for each run, over one axis; a dot's name shows on hover."""
    everything = np.array([v for s in strips for v in (*s.values.values(), s.interval.value)])
    low, high = _span(everything)
    height = _ROW * len(strips) + _AXIS

    def x(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(metric.title)} of every recording">'
    ]
    for tick in _ticks(low, high):
        parts.append(
            f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="4" '
            f'y2="{height - _AXIS}"/>'
            f'<text class="tick" x="{x(tick):.1f}" y="{height - 6}">{tick:g}</text>'
        )
    for row, strip in enumerate(strips):
        middle = _ROW * (row + 0.5) + 2
        each = strip.interval
        parts.append(
            f'<rect class="interval {strip.css}" x="{x(each.low):.1f}" y="{middle - 17:.1f}" '
            f'width="{max(x(each.high) - x(each.low), 1):.1f}" height="34" rx="3"/>'
            f'<line class="mean {strip.css}" x1="{x(each.value):.1f}" x2="{x(each.value):.1f}" '
            f'y1="{middle - 20:.1f}" y2="{middle + 20:.1f}"/>'
        )
        parts.extend(_dots(metric, strip, middle, x))
    return "".join([*parts, "</svg>"])


def _dots(metric: Metric, strip: Strip, middle: float, x: Callable[[float], float]) -> list[str]:
    """Dots that would lie on one another are stacked, up and down in turn."""
    stacked: dict[int, int] = {}
    dots: list[str] = []
    for name, value in sorted(strip.values.items(), key=lambda item: item[1]):
        column = int(x(value) // (2 * _DOT))
        place = stacked.get(column, 0)
        stacked[column] = place + 1
        step = min((place + 1) // 2, _MOST_STACKED // 2 + 1) * (1 if place % 2 else -1)
        label = f"{name}: {value:.{metric.decimals}f} {metric.unit}".strip()
        dots.append(
            f'<circle class="dot {strip.css}" cx="{x(value):.1f}" '
            f'cy="{middle + step * 2 * _DOT * 0.85:.1f}" r="{_DOT}">'
            f"<title>{escape(label)}</title></circle>"
        )
    return dots


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    """What the axis covers: the values and a little around them."""
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * 0.06 or max(abs(high) * 0.1, 0.1)
    return low - margin, high + margin


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers, about five of them, inside the span."""
    raw = (high - low) / 5
    unit = 10.0 ** np.floor(np.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    first = int(np.ceil(low / step))
    last = int(np.floor(high / step))
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]
