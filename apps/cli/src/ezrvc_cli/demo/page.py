"""The page that the demo leaves: one HTML file with everything inside."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from ezrvc_device.atomic import write_text
from ezrvc_eval import Evaluation, TakeResult, find_metric
from ezrvc_eval.report.page import format_value

_MEDIA_TYPES = {".wav": "audio/wav", ".opus": "audio/ogg", ".png": "image/png"}
_YES_OR_NO = "nearer_target"


@dataclass(frozen=True)
class ConversionEntry:
    """One conversion as the page shows it.

    Attributes:
        title: what became what.
        source: the recording.
        result: its conversion.
        picture: of both.
        facts: what the page says of it, name to value.
    """

    title: str
    source: Path
    result: Path
    picture: Path
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Scores:
    """A table of scores.

    Attributes:
        headings: of its columns, metrics that any recording has.
        rows: a title and the values, in the order of the headings; "–" where there is none.
        yardsticks: the same of recordings that nobody converted.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    yardsticks: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Chapter:
    """Conversions of one kind of voice.

    Attributes:
        title: of the kind.
        lead: what these voices are and what their scores are held against.
        scores: of the conversions.
        conversions: to hear and to see.
        target: a recording of the voice; None: there is none.
        training_picture: of how it was learnt.
    """

    title: str
    lead: str
    scores: Scores
    conversions: Sequence[ConversionEntry]
    target: Path | None = None
    training_picture: Path | None = None


def score_table(
    evaluation: Evaluation,
    headings: Mapping[str, str],
    titles: Sequence[str],
    yardsticks: Sequence[tuple[str, Evaluation]] = (),
) -> Scores:
    """The scores of each conversion in a row.

    Args:
        evaluation: of the conversions.
        headings: metric to heading, of the metrics that are shown where they were measured.
        titles: of the conversions, in their order.
        yardsticks: title and scores of recordings; the mean is shown where they are several.
    """
    shown = {name: text for name, text in headings.items() if name in evaluation.summary}
    rows = [
        (title, tuple(_cell(take, metric) for metric in shown))
        for title, take in zip(titles, evaluation.takes, strict=True)
    ]
    means = [
        (title, tuple(_mean(measured, metric) for metric in shown))
        for title, measured in yardsticks
    ]
    return Scores(tuple(shown.values()), tuple(rows), tuple(means))


def _cell(take: TakeResult, metric: str) -> str:
    return _shown(take.scores[metric].value, metric) if metric in take.scores else "–"


def _mean(evaluation: Evaluation, metric: str) -> str:
    if metric not in evaluation.summary:
        return "–"
    return _shown(evaluation.summary[metric].value, metric)


def _shown(value: float, metric: str) -> str:
    if metric == _YES_OR_NO:
        return "yes" if value else "no"
    return format_value(value, find_metric(metric))


def write_page(
    path: Path, *, notice: str, facts: Mapping[str, str], chapters: Sequence[Chapter]
) -> None:
    """Write the page; sounds and pictures are inside it, so that it can be sent as it is."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["inline"] = inline
    template = environment.from_string(
        (files("ezrvc_cli.demo") / "page.html.j2").read_text(encoding="utf-8")
    )
    write_text(path, template.render(notice=notice, facts=facts, chapters=chapters))


def inline(path: Path) -> str:
    """A file as a data URI."""
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_MEDIA_TYPES[path.suffix]};base64,{content}"
