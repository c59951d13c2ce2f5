"""What cannot be read gives one line that names the file and says what is wrong."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading import probe, read, stream
from ezrvc_audio.testing import noise, tone, write_video
from ezrvc_audio.writing import write


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("These are not samples.\n" * 50, encoding="utf-8")


def rubbish(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(50_000))


def film_without_sound(path: Path) -> None:
    write_video(path, None)


def not_a_number(path: Path) -> None:
    samples = np.zeros(1000, np.float32)
    samples[500] = np.nan
    soundfile.write(path, samples, 8_000, subtype="FLOAT", format="WAV")


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 1)), 8_000, format="WAV")


def cut(share: float) -> Callable[[Path], None]:
    """A file that lost its end."""

    def make(path: Path) -> None:
        write(path, noise(4.0, 44_100))
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return make


BAD_FILES = [
    ("missing.wav", lambda path: None, "no such file"),
    ("folder.wav", folder, "is a folder"),
    ("empty.wav", empty, "is empty"),
    ("empty.m4a", empty, "is empty"),
    ("text.wav", text, "not a sound or video file"),
    ("text.mp3", text, "not a sound or video file"),
    ("text.txt", text, "no audio stream"),
    ("rubbish.wav", rubbish, "not a sound or video file"),
    ("rubbish.mp3", rubbish, "not a sound or video file"),
    ("film.mp4", film_without_sound, "no audio stream"),
    ("nan.wav", not_a_number, "not finite"),
    ("nothing.wav", no_samples, r"no sound \(0 samples\)"),
    ("cut.wav", cut(0.5), "truncated"),
    ("almost.wav", cut(0.999), "truncated"),
    ("header.wav", cut(0.00005), "truncated or damaged"),
    ("cut.flac", cut(0.5), "truncated or damaged"),
    ("cut.m4a", cut(0.5), r"truncated or damaged: 4\.00 s promised, .* readable"),
    ("index.m4a", cut(0.01), "truncated or damaged"),
    ("cut.mp3", cut(0.5), "truncated or damaged"),
]


@pytest.mark.parametrize(("name", "make", "message"), BAD_FILES, ids=[row[0] for row in BAD_FILES])
def test_bad_files(tmp_path: Path, name: str, make: Callable[[Path], None], message: str) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(AudioError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(AudioError, match=message):
        list(stream(path, block_s=0.5))


def test_probing_sees_what_the_header_shows(tmp_path: Path) -> None:
    cut(0.5)(tmp_path / "cut.wav")
    with pytest.raises(AudioError, match="truncated"):
        probe(tmp_path / "cut.wav")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.wav"
    write(path, tone(440, 0.1))

    def refuse(*args: object, **settings: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioError, match=r"locked\.wav: cannot be read \(Permission denied\)"):
        read(path)


def test_too_short_for_the_rate(tmp_path: Path) -> None:
    path = tmp_path / "blip.wav"
    write(path, tone(440, 1 / 48_000, 48_000))
    with pytest.raises(AudioError, match=r"too short \(1 samples\) for 8000 Hz"):
        read(path, sample_rate=8_000)


def test_wav_of_unknown_size_goes_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "piped.wav"
    write(path, tone(440, 0.5, 8_000))
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert read(path).n_samples == 4_000
