"""The metrics as a page of the documentation.

    python -m ezrvc_eval.metrics.table packages/ezrvc-eval/docs/metrics.md

writes the page anew; a test compares the page with `metrics_page()`.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from ezrvc_device.atomic import write_text
from ezrvc_eval.metric import Metric
from ezrvc_eval.metrics.catalogue import METRICS

_INTRODUCTION = """\
# Metrics

Made from the catalogue by `python -m ezrvc_eval.metrics.table PATH`; change
`ezrvc_eval/metrics/catalogue.py`, not this page.

A metric is measured for every recording that has what it needs; the others are left out, never
counted as zero. Over several recordings a metric is the mean (WER and CER of all words together,
rates of all time together; peaks and memory the greatest), with a 95 % interval by drawing the
recordings anew 2000 times (percentile bootstrap).

| name | what | unit | range | better | needs | from |
| --- | --- | --- | --- | --- | --- | --- |
"""
_BETTER = {"higher": "higher", "lower": "lower", "zero": "near 0", "none": "–"}
_NOTES = """
## How they are measured

- **Text.** Both texts are compared without case, punctuation and what stands in square brackets;
  `well-known` is two words, `don't` one; in scripts without spaces every character is a word.
  Numerals stay as written: write texts as they are spoken. Without a text, the words that
  Whisper hears in the reference take its place. Whisper runs in 8-bit integers with a beam of 5 at
  temperature 0; the language is that of the first recording unless it is given.
- **Speaker.** The vector of the target voice is the mean of those of its recordings. Among real
  English speakers the same voice lies around 0.9 and others around 0.6.
- **Pitch.** 100 frames a second, by the estimator that `f0_method` names; recordings whose lengths
  differ by more than 0.1 s are warped onto each other first. A transposition that was asked for is
  taken off.
- **Spectrum.** At the lower of the two rates, at most 24 kHz. Cepstra of 80 mel bands, 100 frames
  a second; frames 50 dB below the loudest are left out. A conversion into another voice differs
  from its source by intent: these distances judge resynthesis, or conversions of which the target
  spoke the same words.
- **Clicks.** Joins at which linear prediction, from before and from after, fails by at least 1 % of
  full scale, and alone: 15 times the median of the 10 ms around, 4 times everything else within
  25 ms. In 8.8 minutes of clean recordings it found 2; where 3 to 60 ms had been cut out, 42 of 53
  joins with a jump of more than a fifth of the peak, 34 of 63 with a tenth to a fifth, and 16 of
  110 smaller ones. Low-frequency steps and joins inside consonants pass it by.
- **Speed.** As measured while converting; models are loaded before.
"""


def metrics_page() -> str:
    """The whole page, in Markdown."""
    return _INTRODUCTION + "".join(_row(metric) for metric in METRICS) + _NOTES


def _row(metric: Metric) -> str:
    cells = (
        f"`{metric.name}`",
        f"**{metric.title}**: {metric.summary}",
        metric.unit or "–",
        _range(metric.range),
        _BETTER[metric.direction],
        ", ".join(metric.needs) or "–",
        metric.source,
    )
    return f"| {' | '.join(cells)} |\n"


def _range(bounds: tuple[float, float]) -> str:
    low, high = bounds
    if math.isinf(low) and math.isinf(high):
        return "any"
    return f"from {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page.

    Args:
        arguments: of the command line; None: those of this process.
    """
    parser = argparse.ArgumentParser(description="Write the page of the metrics.")
    parser.add_argument("path", type=Path, help="the page")
    write_text(parser.parse_args(arguments).path, metrics_page())


if __name__ == "__main__":
    main()
