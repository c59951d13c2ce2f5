"""What a person sees: progress bars, tables and lines on the terminal; warnings of libraries."""

import json
import logging
import sys
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_SECONDS_BETWEEN_LINES = 15.0


class ProgressDisplay:
    """Draws what libraries report: bars on a terminal, now and then a line elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last_line: dict[str, float] = {}
        self._step: str | None = None
        self._note = ""

    def __call__(self, step: str, completed: float, total: float | None = None) -> None:
        """Show that `completed` of `total` of a step is done."""
        if step != self._step:
            self._step, self._note = step, self._note if self._step is None else ""
        if self._console.is_terminal:
            if step not in self._tasks:
                self._tasks[step] = self._bars.add_task(step, total=total, note="")
            self._bars.update(self._tasks[step], completed=completed, total=total, note=self._note)
        else:
            self._line(step, completed, total)

    def note(self, text: str) -> None:
        """Show a few words beside the bar of the step under way (losses, speed)."""
        self._note = text

    def _line(self, step: str, completed: float, total: float | None) -> None:
        now = time.monotonic()
        finished = total is not None and completed >= total
        last = self._last_line.get(step)
        if last is not None and not finished and 0 <= now - last < _SECONDS_BETWEEN_LINES:
            return
        if last == float("inf") and finished:
            return
        self._last_line[step] = float("inf") if finished else now
        of_total = f"/{_amount(total)}" if total is not None else ""
        self._console.print(
            f"{step}: {_amount(completed)}{of_total}{'  ' + self._note if self._note else ''}",
            highlight=False,
            soft_wrap=True,
        )

    def __enter__(self) -> "ProgressDisplay":
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bars.stop()


def _amount(value: float) -> str:
    """Counts as they are, seconds to a tenth."""
    return str(int(value)) if value == int(value) else f"{value:.1f}"


@contextmanager
def progress_display(*, told_by: str | None = None) -> Generator[ProgressDisplay]:
    """Progress on standard error, and the libraries' warnings as lines beside it.

    Args:
        told_by: a logger whose information is shown, too.
    """
    console = Console(stderr=True)
    handler = _LineHandler(console)
    root = logging.getLogger()
    handlers_before, level_before = root.handlers[:], root.level
    root.handlers, root.level = [handler], logging.WARNING
    told = logging.getLogger(told_by)
    told_before = told.level
    if told_by is not None:
        told.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings(), ProgressDisplay(console) as display:
            warnings.simplefilter("ignore")  # meant for programmers; ours speak through logging
            yield display
    finally:
        told.setLevel(told_before)
        root.handlers, root.level = handlers_before, level_before


class _LineHandler(logging.Handler):
    """Warnings of the ezrvc packages as one line each; other libraries' only when they fail."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("ezrvc") and record.levelno < logging.ERROR:
            return
        self._console.print(
            f"{record.levelname.lower()}: {record.getMessage()}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def say(text: str, *, as_json: bool = False) -> None:
    """A line for the person: on standard output, or on standard error when that carries JSON."""
    click.echo(text, err=as_json)


def warn(text: str) -> None:
    """A line that should not be missed, on standard error."""
    click.echo(f"warning: {text}", err=True)


def print_json(value: dict[str, Any]) -> None:
    """The machine's answer: one JSON object on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")
