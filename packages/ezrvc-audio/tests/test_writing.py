"""Files are whole or absent, hold what was given, and say clearly when they cannot."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading import probe, read
from ezrvc_audio.testing import chirp, noise, silence, speech_like, stereo, tone
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import FORMATS, AudioWriter, write

SUFFIXES = sorted(FORMATS)


@pytest.mark.parametrize(
    ("suffix", "bit_depth", "codec"),
    [
        (".wav", None, "pcm_16"),
        (".wav", 16, "pcm_16"),
        (".wav", 24, "pcm_24"),
        (".wav", 32, "float"),
        (".flac", None, "pcm_16"),
        (".flac", 24, "pcm_24"),
    ],
)
def test_lossless_round_trip_is_exact(
    tmp_path: Path, suffix: str, bit_depth: int | None, codec: str
) -> None:
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    write(first, noise(0.7, 44_100, n_channels=2, amplitude=1.0), bit_depth=bit_depth)
    once = read(first)
    write(second, once, bit_depth=bit_depth)
    assert probe(first).codec == codec
    assert np.array_equal(read(second).samples, once.samples)
    assert first.read_bytes()[100:] == second.read_bytes()[100:]


def test_integers_are_rounded_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    steps = np.array([[0.0, 0.4, 0.6, -0.6, 32767.0, -32768.0]], np.float32) / np.float32(32768)
    write(path, Waveform(steps, 8_000))
    np.testing.assert_array_equal(
        read(path).samples * 32768, [[0.0, 0.0, 1.0, -1.0, 32767.0, -32768.0]]
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("block", [1, 1_000, 70_000])
def test_blocks_make_the_same_file_as_the_whole(tmp_path: Path, suffix: str, block: int) -> None:
    n_samples = 2_500 if block == 1 else 150_000
    sound = stereo(
        speech_like(n_samples / 48_000, 48_000), chirp(80, 9_000, n_samples / 48_000, 48_000)
    )
    path = tmp_path / f"blocks{suffix}"
    with AudioWriter(path, 48_000, 2) as writer:
        for start in range(0, n_samples, block):
            writer.write(sound.cut(start, start + block))
    write(tmp_path / f"whole{suffix}", sound)
    found = read(path)
    assert found.n_samples == n_samples
    np.testing.assert_allclose(found.samples, read(tmp_path / f"whole{suffix}").samples, atol=0.01)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("sample_rate", [16_000, 48_000])
def test_both_ends_of_a_sound_are_kept(tmp_path: Path, suffix: str, sample_rate: int) -> None:
    sound = tone(500, 0.3, sample_rate)
    path = tmp_path / f"sound{suffix}"
    write(path, sound)
    error = np.abs(read(path).samples - sound.samples)
    assert error[:, : sample_rate // 50].max() < 0.05
    assert error[:, -sample_rate // 50 :].max() < 0.05


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_silence_stays_silence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"silence{suffix}"
    write(path, silence(0.5, 48_000))
    found = read(path)
    assert found.n_samples == 24_000
    assert np.abs(found.samples).max() < 1e-4


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_few_samples(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"blip{suffix}"
    write(path, tone(1_000, 0.02, 48_000))
    assert read(path).n_samples == 960


@pytest.mark.parametrize(
    ("suffix", "given", "written"),
    [
        (".opus", 44_100, 48_000),
        (".opus", 22_050, 24_000),
        (".opus", 96_000, 48_000),
        (".mp3", 96_000, 48_000),
        (".m4a", 40_000, 44_100),
        (".ogg", 40_000, 40_000),
        (".flac", 96_000, 96_000),
    ],
)
def test_rates_that_a_format_lacks_are_raised(
    tmp_path: Path, suffix: str, given: int, written: int
) -> None:
    path = tmp_path / f"sound{suffix}"
    write(path, tone(440, 0.5, given))
    found = read(path)
    assert (found.sample_rate, found.n_samples) == (written, written // 2)
    middle = found.samples[0, written // 8 :][: written // 4] * np.hanning(written // 4)
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 110


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a"])
def test_beyond_full_scale_is_clipped_with_a_warning(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    loud = np.zeros((1, 4_800), np.float32)
    loud[0, 100:103] = [1.5, -3.0, 1.0]
    path = tmp_path / f"loud{suffix}"
    write(path, Waveform(loud, 48_000))
    assert f"{path}: clipped 2 samples beyond full scale" in caplog.text
    if suffix == ".wav":
        np.testing.assert_allclose(read(path).samples[0, 100:103], [1, -1, 1], atol=1e-4)


def test_floating_point_keeps_what_is_beyond_full_scale(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "loud.wav"
    write(path, Waveform(np.array([[1.5, -3.0]], np.float32), 48_000), bit_depth=32)
    np.testing.assert_array_equal(read(path).samples, [[1.5, -3.0]])
    assert caplog.text == ""


def start_and_fail(path: Path) -> None:
    with AudioWriter(path, 48_000, 1) as writer:
        writer.write(tone(880, 1.0, 48_000))
        raise RuntimeError("stop")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failing_writer_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        start_and_fail(tmp_path / f"sound{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound{suffix}"
    write(path, tone(440, 0.5, 48_000))
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="stop"):
        start_and_fail(path)
    assert path.read_bytes() == before
    write(path, tone(880, 1.0, 48_000))
    assert read(path).n_samples == 48_000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_written_is_an_error(tmp_path: Path, suffix: str) -> None:
    with (
        pytest.raises(AudioError, match="no sound to write"),
        AudioWriter(tmp_path / f"sound{suffix}", 48_000, 1),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "ü b" / "🎵.flac"
    write(path, tone(440, 0.1))
    assert read(path).n_samples == 4_410


def test_unknown_suffix_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"'\.xyz'; use one of \.wav, \.flac, \.mp3, \.ogg"):
        write(tmp_path / "sound.xyz", tone())
    with pytest.raises(AudioError, match="without suffix"):
        write(tmp_path / "sound", tone())


@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_unwritable_targets(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(AudioError, match="is a folder"):
        write(tmp_path / f"folder{suffix}", tone())
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match=rf"sound{suffix}: cannot be written \(.+\)"):
        write(tmp_path / "file" / f"sound{suffix}", tone())
    with pytest.raises(AudioError, match=r"cannot be written \(File name too long\)"):
        write(tmp_path / f"{'n' * 300}{suffix}", tone())


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **settings: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(AudioError, match=r"cannot be written \(No space left on device\)"):
        write(tmp_path / "sound.wav", tone())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_meanwhile_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile.SoundFile, "write", refuse)
    with pytest.raises(AudioError, match=r"cannot be written \(.* is there room on the disk\?\)"):
        write(tmp_path / "sound.wav", tone())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "bit_depth", "n_channels", "message"),
    [
        ("sound.mp3", 16, 1, "lossy and has no bit depth"),
        ("sound.flac", 32, 1, "holds 16 or 24 bits, not 32"),
        ("sound.wav", 8, 1, "holds 16 or 24 or 32 bits, not 8"),
        ("sound.mp3", None, 3, "at most 2 channels, got 3"),
        ("sound.m4a", None, 6, "at most 2 channels, got 6"),
    ],
)
def test_what_a_format_cannot_hold(
    tmp_path: Path, name: str, bit_depth: int | None, n_channels: int, message: str
) -> None:
    with pytest.raises(AudioError, match=message):
        write(tmp_path / name, noise(0.1, n_channels=n_channels), bit_depth=bit_depth)


def test_six_channels_fit_where_they_fit(tmp_path: Path) -> None:
    sound = noise(0.3, 48_000, n_channels=6)
    for suffix in (".wav", ".flac", ".ogg"):
        write(tmp_path / f"sound{suffix}", sound)
        assert read(tmp_path / f"sound{suffix}").samples.shape == sound.samples.shape


def test_blocks_must_match_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(AudioError, match="expected 2 channels at 48000 Hz, got 1 at 44100 Hz"),
        AudioWriter(tmp_path / "sound.wav", 48_000, 2) as writer,
    ):
        writer.write(tone(440, 0.1, 44_100))
    with pytest.raises(AudioError, match="is not open"):
        AudioWriter(tmp_path / "sound.wav", 44_100, 1).write(tone())
