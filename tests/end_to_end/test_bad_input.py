"""Bad input gives one clear line and an exit code, never a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ezrvc_audio.testing import silence, speech_like
from ezrvc_audio.writing import write
from ezrvc_cli.testing import BAD_FILES, Command, check_one_clear_line, write_words


@pytest.mark.parametrize("make", BAD_FILES)
def test_preprocess_fails_when_nothing_is_left(
    make: Callable[[Path], None], home: Path, ezrvc: Command
) -> None:
    folder = home / "data" / "raw" / "ada"
    folder.mkdir(parents=True)
    make(folder / "take.wav")
    finished = ezrvc("preprocess", "--speaker", "ada", "--preset", "tiny")
    check_one_clear_line(finished, "take.wav")


def test_preprocess_skips_what_it_cannot_use_and_says_so(
    home: Path, ezrvc: Command, small_voice: Path
) -> None:
    folder = home / "data" / "raw" / "ada"
    write(folder / "good.wav", speech_like(4.0, 24000))
    write(folder / "silent.wav", silence(4.0, 24000))
    write_words(folder / "words.mp3")
    finished = ezrvc("preprocess", "--speaker", "ada", "--preset", "tiny", "--config", small_voice)
    assert finished.code == 0
    assert "silent.wav" in finished.out
    assert "words.mp3" in finished.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["preprocess", "--speaker", "nobody"], ["nobody", "no such folder"]),
        (["preprocess", "--speaker", "a/b"], ["speaker 'a/b'"]),
        (["preprocess", "--speaker", "", "--input", "."], ["speaker ''"]),
        (["preprocess", "--speaker", "x", "--input", __file__], [Path(__file__).name, "folder"]),
        (["preprocess", "--speaker", "x", "--set", "audio.slicer.min_clp_s=2"], ["min_clip_s"]),
        (["preprocess", "--speaker", "x", "--set", "featurs.encoder=mel"], ["features"]),
        (["preprocess", "--speaker", "x", "--set", "model.n_fft=many"], ["model.n_fft", "many"]),
        (["preprocess", "--speaker", "x", "--set", "model.n_fft"], ["section.key=value"]),
        (["preprocess", "--speaker", "x", "--encoder", "hubert-sfot"], ["hubert-soft"]),
        (["preprocess", "--speaker", "x", "--preset", "tny"], ["tiny"]),
        (["preprocess", "--speaker", "x", "--config", "absent.yaml"], ["absent.yaml"]),
        (["train"], ["preprocess"]),
        (["train", "nobody"], ["nobody", "preprocess"]),
        (["convert", "absent.wav"], ["absent.wav"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_wrong_words_are_answered_with_the_right_ones(
    arguments: list[str], words: list[str], ezrvc: Command
) -> None:
    finished = ezrvc(*arguments)
    check_one_clear_line(finished, *words)


def test_a_device_that_is_not_there_is_named_with_those_that_are(
    home: Path, ezrvc: Command
) -> None:
    write(home / "data" / "raw" / "ada" / "a.wav", speech_like(3.0, 24000))
    finished = ezrvc("preprocess", "--speaker", "ada", "--preset", "tiny", "--device", "cuda:7")
    check_one_clear_line(finished, "cuda:7", "cpu")


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["nonsense"], ["convert"], ["convert", "a.wav", "--pitch", "up"]]
)
def test_a_command_not_understood_exits_with_two(arguments: list[str], ezrvc: Command) -> None:
    assert ezrvc(*arguments).code == 2
