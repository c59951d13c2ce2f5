"""Everything that can be handed to `convert`: formats, lengths, names, and what is no sound."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ezrvc_audio.reading import read
from ezrvc_audio.testing import silence, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_cli.testing import BAD_FILES, Command, check_one_clear_line
from ezrvc_model.testing import save_untrained_voice

VOICE_RATE = 24000


@pytest.fixture
def voice(home: Path) -> Path:
    """A home with an untrained voice of two speakers."""
    return save_untrained_voice(home / "models" / "duo", speakers=["ada", "grace"])


@pytest.mark.parametrize("make", BAD_FILES)
def test_bad_files_are_refused(
    make: Callable[[Path], None], voice: Path, home: Path, ezrvc: Command
) -> None:
    make(home / "take.wav")
    finished = ezrvc("convert", home / "take.wav", "-o", home / "out.wav", "--speaker", "ada")
    check_one_clear_line(finished, "take.wav")
    assert not (home / "out.wav").exists()


def test_a_missing_file_an_empty_folder_and_an_unknown_speaker(
    voice: Path, home: Path, ezrvc: Command
) -> None:
    write(home / "in.wav", speech_like(0.3, 24000))
    (home / "nothing").mkdir()
    check_one_clear_line(ezrvc("convert", home / "absent.wav"), "absent.wav")
    check_one_clear_line(ezrvc("convert", home / "nothing"), "nothing")
    check_one_clear_line(
        ezrvc("convert", home / "in.wav", "--speaker", "gracie"), "gracie", "grace"
    )
    check_one_clear_line(ezrvc("convert", home / "in.wav", "--set", "convert.sede=3"), "seed")
    check_one_clear_line(
        ezrvc("convert", home / "in.wav", "-o", home / "out.xyz", "--speaker", "ada"),
        ".xyz",
        "flac",
    )


def test_an_unwritable_target_is_named(voice: Path, home: Path, ezrvc: Command) -> None:
    write(home / "in.wav", speech_like(0.3, 24000))
    (home / "file").write_text("in the way", encoding="utf-8")
    target = home / "file" / "out.wav"
    finished = ezrvc("convert", home / "in.wav", "-o", target, "--speaker", "ada")
    check_one_clear_line(finished, "file")


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype"),
    [
        ("phone.wav", 8000, 1, "PCM_16"),
        ("studio.wav", 48000, 2, "PCM_16"),
        ("master.wav", 96000, 2, "PCM_24"),
        ("float.wav", 44100, 1, "FLOAT"),
        ("take.flac", 44100, 1, "PCM_16"),
    ],
)
def test_formats_go_through_at_their_length(
    name: str, rate: int, channels: int, subtype: str, voice: Path, home: Path, ezrvc: Command
) -> None:
    mono = speech_like(0.7, rate, seed=3).samples
    soundfile.write(home / name, np.repeat(mono, channels, axis=0).T, rate, subtype=subtype)
    finished = ezrvc("convert", home / name, "-o", home / "out.wav", "--speaker", "ada")
    assert finished.code == 0, finished.err
    assert read(home / "out.wav").n_samples == round(mono.shape[1] * VOICE_RATE / rate)


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".ogg", ".opus"])
def test_lossy_formats_go_through_both_ways(
    suffix: str, voice: Path, home: Path, ezrvc: Command
) -> None:
    source = home / f"in{suffix}"
    write(source, speech_like(0.7, 48000, seed=4))
    finished = ezrvc("convert", source, "-o", home / f"out{suffix}", "--speaker", "ada")
    assert finished.code == 0, finished.err
    assert read(home / f"out{suffix}").duration_s == pytest.approx(read(source).duration_s, abs=0.1)


@pytest.mark.parametrize("n_samples", [480, 481, 777, 4799, 24001])
def test_the_output_is_as_long_as_the_input(
    n_samples: int, voice: Path, home: Path, ezrvc: Command
) -> None:
    sound = speech_like(2.0, 24000, seed=6).cut(2400, 2400 + n_samples)
    write(home / "in.wav", sound)
    finished = ezrvc("convert", home / "in.wav", "-o", home / "out.wav", "--speaker", "ada")
    assert finished.code == 0, finished.err
    assert read(home / "out.wav").n_samples == n_samples


def test_digital_silence_becomes_silence_of_equal_length(
    voice: Path, home: Path, ezrvc: Command
) -> None:
    write(home / "in.wav", silence(1.0, 44100))
    assert ezrvc("convert", home / "in.wav", "-o", home / "o.wav", "--speaker", "ada").code == 0
    result = read(home / "o.wav")
    assert result.n_samples == VOICE_RATE
    assert not result.samples.any()


@pytest.mark.parametrize(
    "name",
    ["with space.wav", 'it\'s "quoted".wav', "声音 録音.wav", "🎤 take [1].wav", "-dash.wav"],
)
def test_names_of_any_kind(name: str, voice: Path, home: Path, ezrvc: Command) -> None:
    source = home / "takes" / name
    write(source, speech_like(0.3, 24000))
    finished = ezrvc("convert", "--speaker", "ada", "--", source)
    assert finished.code == 0, finished.err
    assert (home / "takes" / f"{source.stem}_ada.wav").is_file()


def test_the_same_seed_gives_the_same_sound(voice: Path, home: Path, ezrvc: Command) -> None:
    write(home / "in.wav", speech_like(0.6, 24000))
    made: list[Waveform] = []
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        target = home / f"{name}.wav"
        ezrvc("convert", home / "in.wav", "-o", target, "--speaker", "ada", "--seed", seed)
        made.append(read(target))
    assert np.array_equal(made[0].samples, made[1].samples)
    assert not np.array_equal(made[0].samples, made[2].samples)
