import io
import logging

import pytest
from rich.console import Console

from ezrvc_cli.console import ProgressDisplay, progress_display


def display() -> tuple[ProgressDisplay, io.StringIO]:
    text = io.StringIO()
    return ProgressDisplay(Console(file=text, force_terminal=False, width=200)), text


def test_without_a_terminal_a_step_says_when_it_starts_and_when_it_is_done() -> None:
    progress, text = display()
    with progress:
        for done in range(101):
            progress("features", done, 100)
    assert text.getvalue().splitlines() == ["features: 0/100", "features: 100/100"]


def test_seconds_are_given_to_a_tenth() -> None:
    progress, text = display()
    with progress:
        progress("convert", 6.19971, 6.19971)
    assert text.getvalue() == "convert: 6.2/6.2\n"


def test_the_note_of_a_step_is_shown() -> None:
    progress, text = display()
    with progress:
        progress.note("mel 1.20")
        progress("training", 5, 5)
    assert text.getvalue().strip() == "training: 5/5  mel 1.20"


def test_warnings_of_ours_are_lines_and_those_of_others_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_display():
        logging.getLogger("ezrvc_audio.reading").warning("%s: clipped", "a.wav")
        logging.getLogger("elsewhere").warning("for programmers")
    assert capsys.readouterr().err == "warning: a.wav: clipped\n"


def test_information_is_shown_of_whom_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display(told_by="ezrvc_model.training"):
        logging.getLogger("ezrvc_model.training.train_voice").info("starts from nothing")
        logging.getLogger("ezrvc_model.data").info("clips lie in memory")
    assert capsys.readouterr().err == "info: starts from nothing\n"


@pytest.mark.parametrize("told_by", [None, "ezrvc_model.training"])
def test_logging_is_left_as_it_was(told_by: str | None) -> None:
    root, told = logging.getLogger(), logging.getLogger("ezrvc_model.training")
    before = root.handlers[:], root.level, told.level
    with progress_display(told_by=told_by):
        assert root.handlers != before[0]
    assert (root.handlers, root.level, told.level) == before
