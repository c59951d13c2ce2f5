"""The test sounds are what they say."""

from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio import testing
from ezrvc_audio.reading import probe, read
from ezrvc_audio.silence import sound_bounds


def spectrum(samples: np.ndarray) -> np.ndarray:
    """Amplitudes at whole hertz of one second of sound."""
    return 2 * np.abs(np.fft.rfft(samples)) / len(samples)


def test_tone() -> None:
    sound = testing.tone(220, 1.0, 8_000, amplitude=0.3)
    assert sound.samples.shape == (1, 8_000)
    assert sound.samples[0, 0] == 0
    amplitudes = spectrum(sound.samples[0])
    assert amplitudes[220] == pytest.approx(0.3, abs=1e-4)
    assert np.delete(amplitudes, 220).max() < 1e-4


def test_harmonic_tone_has_partials_at_one_over_k() -> None:
    amplitudes = spectrum(testing.harmonic_tone(220, 1.0, 8_000).samples[0])
    partials = amplitudes[220:2_201:220]
    np.testing.assert_allclose(partials / partials[0], 1 / np.arange(1, 11), atol=1e-4)
    assert np.abs(testing.harmonic_tone().samples).max() == pytest.approx(0.5)


def test_harmonic_tone_does_not_alias() -> None:
    amplitudes = spectrum(testing.harmonic_tone(900, 1.0, 8_000).samples[0])
    assert [int(f) for f in np.flatnonzero(amplitudes > 1e-3)] == [900, 1_800, 2_700, 3_600]


def test_chirp_has_its_frequency_at_every_time() -> None:
    sound = testing.chirp(100, 800, 2.0, 16_000).samples[0].astype(np.float64)
    half = len(sound) // 2
    analytic = np.fft.ifft(
        np.fft.fft(sound) * np.r_[1, np.full(half - 1, 2), 1, np.zeros(half - 1)]
    )
    found = np.diff(np.unwrap(np.angle(analytic))) * 16_000 / (2 * np.pi)
    time_s = (np.arange(len(found)) + 0.5) / 16_000
    expected = testing.chirp_hz(100, 800, 2.0, time_s)
    inner = slice(4_000, -4_000)
    np.testing.assert_allclose(found[inner], expected[inner], rtol=0.02)


def test_noise_is_seeded_and_white() -> None:
    first, again, other = testing.noise(), testing.noise(), testing.noise(seed=1)
    assert np.array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples)
    power = np.abs(np.fft.rfft(first.samples[0]))[1:] ** 2
    low, high = np.mean(power[:10_000]), np.mean(power[10_000:20_000])
    assert low == pytest.approx(high, rel=0.1)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100])
def test_speech_like_is_seeded_voiced_and_pauses(sample_rate: int) -> None:
    sound = testing.speech_like(8.0, sample_rate, seed=5)
    assert sound.n_samples == 8 * sample_rate
    assert np.array_equal(sound.samples, testing.speech_like(8.0, sample_rate, seed=5).samples)
    assert not np.array_equal(sound.samples, testing.speech_like(8.0, sample_rate).samples)
    n_window = sample_rate // 50
    windows = sound.samples[0].reshape(-1, n_window)
    level_db = 20 * np.log10(np.sqrt(np.mean(windows**2, axis=1)) + 1e-9)
    assert 0.05 < np.mean(level_db < -70) < 0.4  # pauses
    assert np.mean(level_db > -35) > 0.5  # speech


def test_speech_like_has_the_pitch_asked_for() -> None:
    sound = testing.speech_like(3.0, 16_000, f0_hz=200).samples[0]
    found: list[float] = []
    for start in range(0, len(sound) - 800, 800):
        piece = sound[start : start + 800] * np.hanning(800)
        if np.sqrt(np.mean(piece**2)) < 0.02:
            continue
        correlation = np.correlate(piece, piece, "full")[799:]
        found.append(16_000 / (50 + float(np.argmax(correlation[50:140]))))
    assert np.median(found) == pytest.approx(200, rel=0.1)


def test_corpus_is_laid_out_as_users_do(tmp_path: Path) -> None:
    paths = testing.write_corpus(
        tmp_path,
        ["sza", "日本"],
        n_recordings=2,
        duration_s=1.5,
        sample_rate=16_000,
        suffix=".flac",
    )
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "sza/take-1.flac",
        "sza/take-2.flac",
        "日本/take-1.flac",
        "日本/take-2.flac",
    ]
    sounds = [read(path) for path in paths]
    assert {(sound.sample_rate, sound.n_samples) for sound in sounds} == {(16_000, 24_000)}
    assert all(sound_bounds(sound) is not None for sound in sounds)
    assert not np.array_equal(sounds[0].samples, sounds[1].samples)


def test_video(tmp_path: Path) -> None:
    testing.write_video(tmp_path / "film.mp4", testing.tone(sample_rate=48_000), duration_s=0.5)
    assert probe(tmp_path / "film.mp4").has_video
