"""Loudness and true peak against the definitions of BS.1770-4 and EBU R 128; limits that hold."""

import math

import numpy as np
import pytest

from ezrvc_audio.errors import AudioError
from ezrvc_audio.loudness import (
    limit_true_peak,
    measure_lufs,
    normalize_loudness,
    normalize_peak,
    peak_db,
    true_peak_db,
)
from ezrvc_audio.resampling import resample
from ezrvc_audio.testing import chirp, noise, silence, speech_like, stereo, tone
from ezrvc_audio.waveform import Waveform


def amplified(waveform: Waveform, gain_db: float) -> Waveform:
    return Waveform(waveform.samples * np.float32(10 ** (gain_db / 20)), waveform.sample_rate)


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 96_000])
def test_a_full_scale_997_hz_sine_is_3_01_below(sample_rate: int) -> None:
    sine = tone(997, 3.0, sample_rate, amplitude=1.0)
    assert measure_lufs(sine) == pytest.approx(-3.01, abs=0.1)


def test_stereo_sine_at_minus_23_is_minus_23() -> None:  # EBU Tech 3341, case 1
    sine = tone(1_000, 5.0, 48_000, amplitude=10 ** (-23 / 20))
    assert measure_lufs(stereo(sine, sine)) == pytest.approx(-23.0, abs=0.1)


def test_silence_around_does_not_count() -> None:
    sound = tone(997, 3.0, 48_000, amplitude=0.1)
    pause = silence(5.0, 48_000).samples
    padded = Waveform(np.concatenate([pause, sound.samples, pause], axis=1), 48_000)
    assert measure_lufs(padded) == pytest.approx(measure_lufs(sound), abs=0.5)


@pytest.mark.parametrize("duration_s", [0.05, 0.2, 0.399, 0.4, 0.401])
@pytest.mark.parametrize("gain_db", [0, -70])
def test_short_clips_are_measured_as_one_block(duration_s: float, gain_db: float) -> None:
    sound = amplified(tone(997, duration_s, 48_000, amplitude=1.0), gain_db)
    if gain_db == -70 and duration_s >= 0.4:
        assert measure_lufs(sound) == -math.inf  # under the absolute gate
    else:
        assert measure_lufs(sound) == pytest.approx(gain_db - 3.01, abs=0.15)


@pytest.mark.parametrize("duration_s", [0.1, 2.0])
def test_silence_is_infinitely_soft(duration_s: float) -> None:
    still = silence(duration_s)
    assert measure_lufs(still) == peak_db(still) == true_peak_db(still) == -math.inf
    assert normalize_loudness(still) is still
    assert normalize_peak(still) is still
    assert limit_true_peak(still) is still


def test_six_channels_have_no_loudness() -> None:
    with pytest.raises(AudioError, match="up to 5 channels, got 6"):
        measure_lufs(noise(1.0, n_channels=6))


@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
def test_true_peak_lies_between_samples(sample_rate: int) -> None:
    # A quarter of the rate at 45 degrees: every sample is 3 dB under the crest (EBU Tech 3341, 16).
    phase = np.pi / 2 * np.arange(sample_rate) + np.pi / 4
    fade = np.minimum(1.0, np.hanning(sample_rate) * 4)
    sine = Waveform((0.5 * fade * np.sin(phase))[None].astype(np.float32), sample_rate)
    assert peak_db(sine) == pytest.approx(-9.03, abs=0.01)
    assert true_peak_db(sine) == pytest.approx(-6.02, abs=0.05)


LOUD = [
    amplified(speech_like(3.0, 44_100), 20),
    amplified(noise(2.0, 24_000, amplitude=1.0), 12),
    amplified(stereo(chirp(50, 11_000, 2.0, 24_000), speech_like(2.0, 24_000)), 9),
    amplified(tone(6_000, 1.0, 24_000), 30),
    Waveform(np.eye(1, 400, 200, dtype=np.float32) * 4, 44_100),
    Waveform(np.full((1, 3), 2.0, np.float32), 8_000),
]


@pytest.mark.parametrize("sound", LOUD, ids=["speech", "noise", "stereo", "tone", "click", "tiny"])
@pytest.mark.parametrize("ceiling_db", [-1.0, -6.0])
def test_limited_sound_stays_under_the_ceiling(sound: Waveform, ceiling_db: float) -> None:
    limited = limit_true_peak(sound, ceiling_db)
    assert limited.samples.shape == sound.samples.shape
    assert true_peak_db(limited) <= ceiling_db + 0.1
    closer = peak_db(resample(limited, 16 * limited.sample_rate))
    assert closer <= ceiling_db + 0.2


def test_limiting_is_local() -> None:
    quiet = tone(440, 3.0, 44_100, amplitude=0.1)
    samples = quiet.samples.copy()
    samples[0, 60_000:60_100] *= 30
    limited = limit_true_peak(Waveform(samples, 44_100), -1.0).samples
    before, after = slice(0, 59_000), slice(90_000, None)
    np.testing.assert_allclose(limited[:, before], quiet.samples[:, before], rtol=0.02)
    np.testing.assert_allclose(limited[:, after], quiet.samples[:, after], rtol=0.02)
    assert np.abs(limited[0, 60_000:60_100]).max() > 0.7


def test_limiting_keeps_the_stereo_picture() -> None:
    left = amplified(speech_like(1.0, 44_100), 12)
    right = amplified(left, -6)
    limited = limit_true_peak(stereo(left, right)).samples
    np.testing.assert_allclose(limited[1], limited[0] * 10 ** (-6 / 20), atol=1e-6)


def test_sound_under_the_ceiling_is_untouched() -> None:
    sound = speech_like(1.0)
    assert limit_true_peak(sound, -1.0) is sound


def test_normalize_peak() -> None:
    assert peak_db(normalize_peak(speech_like(1.0), -3.0)) == pytest.approx(-3.0, abs=1e-4)


def test_normalize_loudness_reaches_the_target() -> None:
    sound = normalize_loudness(speech_like(3.0), -26.0)
    assert measure_lufs(sound) == pytest.approx(-26.0, abs=0.01)


def test_normalize_loudness_never_passes_the_ceiling() -> None:
    sound = normalize_loudness(speech_like(3.0), -9.0, ceiling_db=-2.0)
    assert true_peak_db(sound) <= -2.0 + 0.1
    assert measure_lufs(sound) == pytest.approx(-9.0, abs=3.0)
