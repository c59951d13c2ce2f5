"""The enhancer from the command line: asked for, licensed, and missing."""

from pathlib import Path

import pytest

from ezrvc_audio.reading import read
from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_cli.testing import Command, check_one_clear_line
from ezrvc_model.testing import save_nsf_hifigan, save_untrained_voice


@pytest.fixture
def source(home: Path) -> Path:
    """A recording, and a voice to convert it into."""
    save_untrained_voice(home / "models" / "ada")
    write(home / "in.wav", speech_like(0.4, 24000))
    return home / "in.wav"


def test_a_conversion_is_enhanced_and_the_licence_said(
    source: Path, home: Path, ezrvc: Command
) -> None:
    vocoder = save_nsf_hifigan(home / "nsf hifigan")
    plain = ezrvc("convert", source, "-o", home / "plain.wav")
    assert plain.code == 0, plain.err
    assert "CC BY-NC-SA" not in plain.out
    weights = ["--set", f"enhancer_weights={vocoder}"]
    enhanced = ezrvc("convert", source, "-o", home / "out.wav", "--enhance", *weights)
    assert enhanced.code == 0, enhanced.err
    assert "CC BY-NC-SA 4.0" in enhanced.out
    result = read(home / "out.wav").samples
    assert result.shape == (1, 9600)
    assert abs(result - read(home / "plain.wav").samples).max() > 1e-3
    again = ezrvc(
        "convert", source, "-o", home / "b.wav", "--set", "enhance=true", *weights, "--json"
    )
    assert "CC BY-NC-SA 4.0" in again.json["converted"][0]["notices"][0]
    assert (home / "b.wav").read_bytes() == (home / "out.wav").read_bytes()


def test_without_its_weights_one_line_says_what_to_do(
    source: Path, home: Path, ezrvc: Command
) -> None:
    missing = ezrvc("convert", source, "-o", home / "out.wav", "--enhance")
    check_one_clear_line(missing, "CC-BY-NC-SA-4.0", "not here", "enhancer_weights=FOLDER")
    assert not (home / "out.wav").exists()
    absent = ["--set", "enhancer_weights=absent"]
    check_one_clear_line(ezrvc("convert", source, "--enhance", *absent), "absent", "config.json")
