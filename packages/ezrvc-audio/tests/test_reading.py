"""Whatever holds sound is read, whole or in blocks, with the right length at the right place."""

import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from av.audio.stream import AudioStream

from ezrvc_audio.reading import probe, read, stream
from ezrvc_audio.resampling import resample
from ezrvc_audio.testing import chirp, noise, silence, speech_like, stereo, tone, write_video
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import AudioWriter, write

LOSSY = [".mp3", ".ogg", ".opus", ".m4a"]


def error_db(expected: Waveform, found: Waveform) -> float:
    """Energy of the difference against the energy of the sound, dB."""
    difference = np.sum((expected.samples - found.samples) ** 2)
    return float(10 * np.log10(difference / np.sum(expected.samples**2) + 1e-12))


@pytest.mark.parametrize(
    ("subtype", "format_name", "step"),
    [
        ("PCM_U8", "WAV", 2**-7),
        ("PCM_16", "WAV", 2**-15),
        ("PCM_24", "WAV", 2**-23),
        ("PCM_32", "WAV", 2**-23),
        ("FLOAT", "WAV", 1e-7),
        ("DOUBLE", "WAV", 1e-7),
        ("PCM_24", "FLAC", 2**-23),
        ("PCM_16", "AIFF", 2**-15),
    ],
)
@pytest.mark.parametrize("sample_rate", [8_000, 48_000, 96_000])
def test_lossless_files_of_every_depth(
    tmp_path: Path, subtype: str, format_name: str, step: float, sample_rate: int
) -> None:
    sound = stereo(chirp(50, 3000, 0.3, sample_rate), noise(0.3, sample_rate))
    path = tmp_path / f"sound.{format_name.lower()}"
    soundfile.write(path, sound.samples.T, sample_rate, subtype=subtype, format=format_name)
    found = read(path)
    assert found.sample_rate == sample_rate
    np.testing.assert_allclose(found.samples, sound.samples, atol=1.01 * step)
    info = probe(path)
    assert (info.n_channels, info.n_samples) == (2, sound.n_samples)
    assert info.duration_s == pytest.approx(0.3, abs=1e-4)
    assert info.codec == subtype.lower()


@pytest.mark.parametrize("suffix", LOSSY)
@pytest.mark.parametrize("sample_rate", [8_000, 48_000])
def test_lossy_files_keep_length_and_place(tmp_path: Path, suffix: str, sample_rate: int) -> None:
    sound = stereo(
        speech_like(1.3, sample_rate, seed=3), chirp(100, 0.3 * sample_rate, 1.3, sample_rate)
    )
    path = tmp_path / f"sound{suffix}"
    write(path, sound)
    found = read(path)
    assert (found.sample_rate, found.n_samples) == (sample_rate, sound.n_samples)
    assert probe(path).n_samples == sound.n_samples
    # A shift by one sample would already leave an error above -15 dB.
    assert error_db(sound, found) < -15


def test_video_gives_its_sound(tmp_path: Path) -> None:
    sound = stereo(tone(300, 1.0, 48_000), tone(500, 1.0, 48_000))
    path = tmp_path / "film.mp4"
    write_video(path, sound)
    info = probe(path)
    assert (info.has_video, info.codec, info.n_samples) == (True, "aac", 48_000)
    assert error_db(sound, read(path)) < -15


@pytest.mark.parametrize(
    ("suffix", "container", "codec"),
    [(".webm", "webm", "libopus"), (".aac", "adts", "aac"), (".mkv", "matroska", "pcm_s16le")],
)
def test_other_containers(tmp_path: Path, suffix: str, container: str, codec: str) -> None:
    sound = tone(440, 1.0, 48_000)
    path = tmp_path / f"sound{suffix}"
    with av.open(path, "w", format=container) as output:
        track = output.add_stream(codec, rate=48_000)
        assert isinstance(track, AudioStream)
        track.layout = "mono"
        as_integers = (sound.samples * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(as_integers, format="s16", layout="mono")
        frame.sample_rate = 48_000
        output.mux(track.encode(frame))
        output.mux(track.encode(None))
    found = read(path)
    assert found.sample_rate == 48_000
    assert found.n_samples == pytest.approx(48_000, abs=2100)  # two codec frames of padding
    assert probe(path).duration_s == pytest.approx(1.0, abs=0.06)
    middle = found.samples[0, 20_000:28_192] * np.hanning(8192)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 48_000 / 8192 == pytest.approx(440, abs=6)


@pytest.mark.parametrize(
    "name", ["a song.wav", 'it\'s "quoted".flac', "日本の歌.mp3", "🎤 mic.m4a"]
)
def test_names_in_any_alphabet(tmp_path: Path, name: str) -> None:
    path = tmp_path / "フォルダ 🎵" / name
    write(path, tone(440, 0.5, 44_100))
    assert read(path).n_samples == 22_050


@pytest.mark.parametrize(
    ("written", "named"),
    [("a.wav", "a.m4a"), ("a.m4a", "a.wav"), ("a.mp3", "a.flac"), ("a.ogg", "a")],
)
def test_a_wrong_suffix_does_no_harm(tmp_path: Path, written: str, named: str) -> None:
    write(tmp_path / written, tone(440, 0.5, 44_100))
    (tmp_path / written).rename(tmp_path / named)
    assert read(tmp_path / named).n_samples == 22_050


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a"])
@pytest.mark.parametrize("block_s", [0.1, 0.777, 5.0])
@pytest.mark.parametrize(("sample_rate", "mono"), [(None, False), (16_000, True)])
def test_blocks_are_exactly_the_whole(
    tmp_path: Path, suffix: str, block_s: float, sample_rate: int | None, mono: bool
) -> None:
    sound = stereo(speech_like(1.5, 44_100), noise(1.5, 44_100))
    path = tmp_path / f"sound{suffix}"
    write(path, sound)
    whole = read(path, sample_rate=sample_rate, mono=mono)
    blocks = list(stream(path, block_s=block_s, sample_rate=sample_rate, mono=mono))
    rate = sample_rate or 44_100
    assert whole.n_samples == round(sound.n_samples * rate / 44_100)
    assert whole.n_channels == (1 if mono else 2)
    assert {block.n_samples for block in blocks[:-1]} <= {round(block_s * rate)}
    assert np.array_equal(np.concatenate([b.samples for b in blocks], axis=1), whole.samples)


def test_reading_at_a_rate_is_reading_then_resampling(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    write(path, noise(3.0, 44_100, n_channels=2))
    expected = resample(read(path), 16_000)
    found = read(path, sample_rate=16_000)
    np.testing.assert_allclose(found.samples, expected.samples, atol=1e-6)


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    write(path, Waveform(np.array([[0.5, 0.25], [0.0, -0.25]]), 8_000))
    np.testing.assert_array_equal(read(path, mono=True).samples, [[0.25, 0.0]])


@pytest.mark.parametrize("suffix", [".wav", ".m4a", ".mp3"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str) -> None:
    def peak_bytes(duration_s: int) -> int:
        path = tmp_path / f"{duration_s}{suffix}"
        tracemalloc.start()
        with AudioWriter(path, 48_000, 2) as writer:
            for _ in range(duration_s):
                writer.write(second)
        n_samples = sum(block.n_samples for block in stream(path, block_s=1.0, sample_rate=16_000))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert n_samples == duration_s * 16_000
        return peak

    second = stereo(silence(1.0, 48_000), tone(440, 1.0, 48_000))
    assert peak_bytes(24) < peak_bytes(6) + second.samples.nbytes


def test_a_stream_can_be_left_early(tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    write(path, tone(440, 3.0))
    blocks = stream(path, block_s=0.5)
    assert next(blocks).n_samples == 22_050
    path.unlink()
    del blocks  # closes the file; a leak would be a ResourceWarning, which is an error here


def test_mp3_files_set_end_to_end_are_read_to_the_end(tmp_path: Path) -> None:
    write(tmp_path / "one.mp3", tone(440, 2.0, 44_100))
    path = tmp_path / "both.mp3"
    path.write_bytes(2 * (tmp_path / "one.mp3").read_bytes())  # the index tells of the first half
    found = read(path)
    assert found.n_samples == pytest.approx(4 * 44_100, abs=4_000)
    assert np.sqrt(np.mean(found.samples[:, 3 * 44_100 :] ** 2)) > 0.3
    blocks = list(stream(path, block_s=0.3))
    assert np.array_equal(np.concatenate([b.samples for b in blocks], axis=1), found.samples)


def test_damaged_frames_are_skipped_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "sound.m4a"
    write(path, noise(4.0, 44_100))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    path.write_bytes(content)
    assert read(path).n_samples == pytest.approx(4 * 44_100, abs=4096)
    assert "damaged packets" in caplog.text
