"""Drawings inside the page, as SVG: distributions, scales, intervals of differences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ezrvc_eval.bootstrap import Interval
from ezrvc_eval.metric import Metric

WIDTH = 300
_SIDE = 10
_ROW = 46
_AXIS = 20
_DOT = 3.4
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


def strip_chart(metric: Metric, strips: Sequence[Strip]) -> Markup:
    """Dots of one metric, a row for each run, over one axis; a dot's name shows on hover."""
    everything = np.array([v for s in strips for v in (*s.values.values(), s.interval.value)])
    low, high = _span(everything)
    height = _ROW * len(strips) + _AXIS

    def x(value: float) -> float:
        return _SIDE + (value - low) / (high - low) * (WIDTH - 2 * _SIDE)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(metric.title)} of every recording">'
    ]
    for tick in _ticks(low, high):
        parts.append(
            f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="4" '
            f'y2="{height - _AXIS}"/>'
            f'<text class="tick" x="{x(tick):.1f}" y="{height - 5}">{_label(tick)}</text>'
        )
    for row, strip in enumerate(strips):
        middle = _ROW * (row + 0.5) + 2
        each = strip.interval
        left, right = (min(max(x(bound), 0), WIDTH) for bound in (each.low, each.high))
        parts.append(
            f'<rect class="interval {strip.css}" x="{left:.1f}" y="{middle - 17:.1f}" '
            f'width="{max(right - left, 1):.1f}" height="34" rx="5"/>'
            f'<line class="mean {strip.css}" x1="{x(each.value):.1f}" x2="{x(each.value):.1f}" '
            f'y1="{middle - 19:.1f}" y2="{middle + 19:.1f}"/>'
        )
        parts.extend(_dots(metric, strip, middle, x))
    return Markup("".join([*parts, "</svg>"]))  # our own SVG, whose texts are escaped


def scale_bar(span: tuple[float, float], runs: Sequence[tuple[Interval, str]]) -> Markup:
    """A value with its interval on a scale; of several runs one below the other.

    Args:
        span: what the scale covers.
        runs: interval and class of the colour.
    """
    low, high = span
    row, track = 14, 8

    def x(value: float) -> float:
        return WIDTH * min(max((value - low) / (high - low), 0.0), 1.0)

    parts = [f'<svg viewBox="0 -2 {WIDTH} {row * len(runs) + 14}" aria-hidden="true">']
    for number, (each, css) in enumerate(runs):
        top = row * number
        width = max(x(each.high) - x(each.low), 0)
        parts.append(
            f'<rect class="track" x="0" y="{top}" width="{WIDTH}" height="{track}" rx="4"/>'
            f'<rect class="interval {css}" x="{x(each.low):.1f}" y="{top}" width="{width:.1f}" '
            f'height="{track}" rx="4" style="fill-opacity:.35"/>'
            f'<circle class="dot {css}" cx="{x(each.value):.1f}" cy="{top + track / 2}" r="5.5"/>'
        )
    base = row * len(runs) + 8
    parts.append(
        f'<text class="tick" x="0" y="{base}" style="text-anchor:start">{_label(low)}</text>'
        f'<text class="tick" x="{WIDTH}" y="{base}" style="text-anchor:end">{_label(high)}</text>'
    )
    return Markup("".join([*parts, "</svg>"]))


def forest_bar(difference: Interval, css: str) -> Markup:
    """The interval of a difference about zero, which is in the middle."""
    width, height = 128, 18
    reach = max(abs(difference.low), abs(difference.high), 1e-12) * 1.08

    def x(value: float) -> float:
        return width / 2 * (1 + value / reach)

    return Markup(
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<line class="zero" x1="{width / 2}" x2="{width / 2}" y1="0" y2="{height}"/>'
        f'<line class="span {css}" x1="{x(difference.low):.1f}" x2="{x(difference.high):.1f}" '
        f'y1="{height / 2}" y2="{height / 2}"/>'
        f'<circle class="point {css}" cx="{x(difference.value):.1f}" cy="{height / 2}" r="4.5"/>'
        "</svg>"
    )


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
    """Round numbers, about four of them, inside the span."""
    raw = (high - low) / 4
    unit = 10.0 ** np.floor(np.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    first = int(np.ceil(low / step))
    last = int(np.floor(high / step))
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def _label(value: float) -> str:
    return f"{value:g}".replace("-", "−")
