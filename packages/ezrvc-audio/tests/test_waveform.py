"""Sound in memory is finite, not empty, and float32 with time last."""

import numpy as np
import pytest

from ezrvc_audio.errors import AudioError
from ezrvc_audio.waveform import Waveform


def test_one_dimension_becomes_one_channel() -> None:
    sound = Waveform(np.zeros(10, np.float32), 5)
    assert sound.samples.shape == (1, 10)
    assert (sound.n_channels, sound.n_samples, sound.duration_s) == (1, 10, 2.0)


def test_mono_and_cut() -> None:
    sound = Waveform(np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 4.0]], np.float32), 8_000)
    np.testing.assert_array_equal(sound.mono().samples, [[0.5, 0.0, 3.0]])
    assert sound.mono().mono() is not sound
    np.testing.assert_array_equal(sound.cut(1, 3).samples, [[0.0, 2.0], [0.0, 4.0]])


@pytest.mark.parametrize(
    ("samples", "sample_rate", "message"),
    [
        (np.zeros((1, 0)), 8_000, "empty"),
        (np.zeros((1, 1, 2)), 8_000, r"\(channels, n_samples\), got \(1, 1, 2\)"),
        (np.array([0.0, np.nan]), 8_000, "not finite"),
        (np.array([0.0, np.inf]), 8_000, "not finite"),
        (np.zeros(3), 0, "positive, got 0"),
    ],
)
def test_what_is_not_sound(samples: np.ndarray, sample_rate: int, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        Waveform(samples, sample_rate)
