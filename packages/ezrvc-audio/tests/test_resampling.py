"""Lengths are exact, pieces equal the whole, and the sound stays what and where it was."""

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_audio.errors import AudioError
from ezrvc_audio.resampling import StreamResampler, resample, resampled_length
from ezrvc_audio.testing import chirp, noise, tone
from ezrvc_audio.waveform import Waveform

RATES = st.sampled_from([7_999, 8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])


@given(st.integers(1, 3_000), RATES, RATES)
@settings(max_examples=150, deadline=None)
def test_length_is_always_the_rounded_ratio(n_samples: int, from_rate: int, to_rate: int) -> None:
    resampler = StreamResampler(from_rate, to_rate)
    ones = np.ones((1, n_samples), np.float32)
    found = resampler.push(ones).shape[1] + resampler.finish().shape[1]
    assert (
        found
        == round(n_samples * to_rate / from_rate)
        == resampled_length(n_samples, from_rate, to_rate)
    )


@given(RATES, RATES, st.lists(st.integers(0, 4_000), min_size=1, max_size=8), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_pieces_equal_the_whole(
    from_rate: int, to_rate: int, cuts: list[int], n_channels: int
) -> None:
    n_samples = sum(cuts) + 500
    sound = noise(n_samples / from_rate, from_rate, n_channels=n_channels)
    resampler = StreamResampler(from_rate, to_rate, n_channels)
    pieces = np.split(sound.samples, np.cumsum(cuts), axis=1)
    found = [*(resampler.push(piece) for piece in pieces), resampler.finish()]
    expected = resample(sound, to_rate).samples
    np.testing.assert_allclose(np.concatenate(found, axis=1), expected, atol=1e-6)


def test_agrees_with_soxr_itself() -> None:
    sound = noise(1.0, 44_100)
    expected = soxr.resample(sound.samples[0], 44_100, 16_000, quality="VHQ")
    np.testing.assert_allclose(resample(sound, 16_000).samples[0], expected, atol=1e-6)


@pytest.mark.parametrize("to_rate", [16_000, 48_000, 96_000])
def test_a_tone_stays_in_place(to_rate: int) -> None:
    found = resample(tone(1_000, 0.5, 44_100), to_rate).samples[0]
    expected = tone(1_000, 0.5, to_rate).samples[0]
    inner = slice(to_rate // 20, -to_rate // 20)
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-4)


def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    found = resample(tone(9_000, 0.5, 44_100), 16_000).samples[0]
    assert np.abs(found[1_000:-1_000]).max() < 1e-5


def test_there_and_back() -> None:
    sound = chirp(100, 9_000, 1.0, 24_000)
    back = resample(resample(sound, 96_000), 24_000).samples
    np.testing.assert_allclose(back[:, 500:-500], sound.samples[:, 500:-500], atol=1e-4)


def test_same_rate_returns_the_sound_itself() -> None:
    sound = tone()
    assert resample(sound, sound.sample_rate) is sound


@pytest.mark.parametrize("sample_rate", [0, -1])
def test_wrong_rate(sample_rate: int) -> None:
    with pytest.raises(AudioError, match=f"positive, got 44100 and {sample_rate}"):
        resample(tone(), sample_rate)


def test_nothing_would_be_left() -> None:
    with pytest.raises(AudioError, match="1 samples at 48000 Hz are too short for 8000 Hz"):
        resample(Waveform(np.ones((1, 1), np.float32), 48_000), 8_000)


def test_wrong_channels() -> None:
    with pytest.raises(AudioError, match=r"\(2, n_samples\), got \(1, 5\)"):
        StreamResampler(8_000, 16_000, 2).push(np.zeros((1, 5), np.float32))
