"""Ends are cut where the sound ends, and nowhere else."""

import numpy as np
import pytest

from ezrvc_audio.errors import AudioError
from ezrvc_audio.silence import sound_bounds, trim_silence
from ezrvc_audio.testing import noise, silence, stereo, tone
from ezrvc_audio.waveform import Waveform

RATE = 10_000
SOUND = tone(500, 1.0, RATE)


def padded(before_s: float, after_s: float, sound: Waveform = SOUND) -> Waveform:
    ends = ((0, 0), (round(before_s * RATE), round(after_s * RATE)))
    return Waveform(np.pad(sound.samples, ends), RATE)


def test_bounds_of_a_tone_between_silences() -> None:
    assert sound_bounds(padded(0.5, 0.3)) == (5_000, 15_000)


def test_bounds_end_with_the_sound_though_windows_do_not() -> None:
    assert sound_bounds(tone(500, 0.1234, RATE)) == (0, 1_234)


def test_either_channel_counts() -> None:
    left, right = padded(0.2, 1.0), padded(1.0, 0.2)
    assert sound_bounds(stereo(left, right)) == (2_000, 20_000)


@pytest.mark.parametrize(("level", "bounds"), [(0.002, None), (0.01, (0, 10_000))])
def test_threshold_is_a_level_of_full_scale(level: float, bounds: tuple[int, int] | None) -> None:
    # Uniform noise of amplitude a has a root mean square of a / sqrt(3): -59 and -45 dB.
    assert sound_bounds(noise(1.0, RATE, amplitude=level), threshold_db=-50) == bounds


def test_trim_keeps_a_margin() -> None:
    trimmed = trim_silence(padded(0.5, 0.3), keep_s=0.1)
    assert trimmed.n_samples == 12_000
    np.testing.assert_array_equal(trimmed.samples[:, 1_000:11_000], SOUND.samples)


def test_margin_ends_at_the_recording() -> None:
    assert trim_silence(padded(0.01, 0.02), keep_s=0.5).n_samples == 10_300


def test_pauses_inside_stay() -> None:
    words = np.concatenate([padded(0.0, 2.0).samples, SOUND.samples], axis=1)
    trimmed = trim_silence(padded(0.4, 0.4, Waveform(words, RATE)), keep_s=0.0)
    np.testing.assert_array_equal(trimmed.samples, words)


def test_only_silence() -> None:
    with pytest.raises(AudioError, match="nothing is louder than -50 dB"):
        trim_silence(silence(1.0))
