"""Pitch by hand from the command line."""

from pathlib import Path

import pytest

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_cli.testing import Command, check_one_clear_line
from ezrvc_model.testing import save_untrained_voice


@pytest.fixture
def source(home: Path) -> Path:
    """A recording, beside a voice."""
    save_untrained_voice(home / "models" / "ada", speakers=["ada"])
    write(home / "in.wav", speech_like(0.5, 24000))
    return home / "in.wav"


def test_rows_of_a_csv_change_the_result(source: Path, home: Path, ezrvc: Command) -> None:
    csv = home / "pitch.csv"
    rows = "".join(f"{step / 50},330\n" for step in range(5, 20))
    csv.write_text(f"time_s,f0_hz\n{rows}", encoding="utf-8")
    plain = ezrvc("convert", source, "-o", home / "plain.wav")
    led = ezrvc("convert", source, "--f0-csv", csv, "-o", home / "led.wav")
    assert (plain.code, led.code) == (0, 0), led.err
    assert (home / "led.wav").read_bytes() != (home / "plain.wav").read_bytes()


def test_bad_rows_are_named(source: Path, home: Path, ezrvc: Command) -> None:
    csv = home / "pitch.csv"
    csv.write_text("time_s,f0_hz\n0.1,200\n0.2,loud\n", encoding="utf-8")
    finished = ezrvc("convert", source, "--f0-csv", csv, "-o", home / "out.wav")
    check_one_clear_line(finished, "pitch.csv, line 3", "expected two numbers")
    assert not (home / "out.wav").exists()


def test_several_inputs_cannot_share_it(source: Path, home: Path, ezrvc: Command) -> None:
    csv = home / "pitch.csv"
    csv.write_text("0.1,200\n", encoding="utf-8")
    write(home / "other.wav", speech_like(0.5, 24000))
    finished = ezrvc("convert", source, home / "other.wav", "--f0-csv", csv)
    check_one_clear_line(finished, "corrects the pitch of one recording, not of 2")
