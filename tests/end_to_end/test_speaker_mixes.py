"""Mixing speakers from the command line."""

from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.reading import read
from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_cli.testing import Command, check_one_clear_line
from ezrvc_model.testing import save_untrained_voice


@pytest.fixture
def source(home: Path) -> Path:
    """A recording, beside a voice of two speakers and one of one."""
    save_untrained_voice(home / "models" / "duo", speakers=["ada", "grace"])
    save_untrained_voice(home / "models" / "emma", speakers=["emma"])
    write(home / "in.wav", speech_like(0.4, 24000))
    return home / "in.wav"


def test_a_mix_and_a_curve_are_converted_and_named(
    source: Path, home: Path, ezrvc: Command
) -> None:
    mixed = ezrvc("convert", source, "--speaker", "ada:1,grace:3", "--json")
    assert mixed.code == 0, mixed.err
    assert mixed.json["converted"][0]["speaker"] == "ada:0.25,grace:0.75"
    assert mixed.json["converted"][0]["output"] == str(home / "in_ada+grace.wav")
    (home / "curve.csv").write_text("0,ada,1\n0,grace,3\n", encoding="utf-8")
    led = ezrvc("convert", source, "--speaker-curve", home / "curve.csv", "-o", home / "led.wav")
    assert led.code == 0, led.err
    np.testing.assert_allclose(
        read(home / "led.wav").samples, read(home / "in_ada+grace.wav").samples, atol=2 / 32768
    )
    alone = ezrvc("convert", source, "--speaker", "ada", "-o", home / "ada.wav")
    one = ezrvc("convert", source, "--speaker", "ada:1,grace:0", "-o", home / "one.wav")
    assert (alone.code, one.code) == (0, 0)
    assert (home / "one.wav").read_bytes() == (home / "ada.wav").read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--speaker", "ada:1,gracie:1"], ["unknown speaker 'gracie'", "did you mean 'grace'"]),
        (["--speaker", "ada:1,emma:1"], ["no voice knows 'ada' and 'emma' together"]),
        (["--speaker", "ada:-1,grace:1"], ["ada has the weight -1"]),
        (["--speaker", "ada:0,grace:0"], ["all weights are 0"]),
        (["--speaker", "ada:1,emma:1", "--voice", "emma"], ["one speaker, 'emma'"]),
        (["--speaker-curve", "absent.csv"], ["absent.csv: cannot be read"]),
    ],
)
def test_mixes_that_cannot_be_are_refused_in_one_line(
    options: list[str], words: list[str], source: Path, home: Path, ezrvc: Command
) -> None:
    finished = ezrvc("convert", source, "-o", home / "out.wav", *options)
    check_one_clear_line(finished, *words)
    assert not (home / "out.wav").exists()


def test_a_name_and_a_curve_contradict_each_other(source: Path, ezrvc: Command) -> None:
    finished = ezrvc("convert", source, "--speaker", "ada", "--speaker-curve", "c.csv")
    assert finished.code == 2
    assert "not both" in finished.err
