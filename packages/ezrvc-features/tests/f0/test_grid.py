import numpy as np
import pytest

from ezrvc_features.f0.grid import PitchTrack, level_near
from ezrvc_features.f0.periodicity import periodicity


def track(hz: list[float]) -> PitchTrack:
    values = np.array(hz)
    return PitchTrack(times_s=np.arange(len(hz)) / 10, hz=values, voiced=values > 0)


def test_pitch_is_joined_between_voiced_points_only() -> None:
    hz, voiced = track([100.0, 200.0, 0.0, 300.0]).at(np.array([0.0, 0.05, 0.12, 0.18, 0.24, 0.26]))
    assert voiced.tolist() == [True, True, True, False, False, True]
    np.testing.assert_allclose(hz, [100, 150, 200, 0, 0, 300])


def test_pitch_is_held_beyond_the_ends() -> None:
    hz, voiced = track([100.0, 200.0]).at(np.array([-1.0, 5.0]))
    assert voiced.all()
    assert hz.tolist() == [100, 200]


def test_one_point_is_a_track() -> None:
    hz, voiced = track([120.0]).at(np.array([0.0, 0.3]))
    assert voiced.all()
    assert hz.tolist() == [120, 120]


def test_level_is_half_the_range_nearby() -> None:
    samples = np.full(1600, 0.5, dtype=np.float32)
    samples[800:] += 0.25 * np.sign(np.sin(np.arange(800))).astype(np.float32)
    level = level_near(samples, 16000, np.array([0.0, 0.02, 0.045, 0.09]))
    np.testing.assert_allclose(level, [0, 0, 0.25, 0.25], atol=1e-6)


@pytest.mark.parametrize("hz", [60.0, 220.0, 700.0])
def test_a_tone_repeats_after_its_period_and_not_after_one_and_a_half(hz: float) -> None:
    time_s = np.arange(16000) / 16000
    signal = sum(np.sin(2 * np.pi * k * hz * time_s) / k for k in range(1, 4))
    assert isinstance(signal, np.ndarray)
    times_s = np.array([0.3, 0.5])
    assert periodicity(signal, 16000, times_s, np.full(2, hz)).min() > 0.98
    assert periodicity(signal, 16000, times_s, np.full(2, hz / 2)).min() > 0.98
    assert periodicity(signal, 16000, times_s, np.full(2, hz / 1.5)).max() < 0.5


def test_noise_does_not_repeat() -> None:
    signal = np.random.default_rng(0).standard_normal(16000)
    values = periodicity(signal, 16000, np.linspace(0.1, 0.9, 50), np.full(50, 150.0))
    assert np.abs(values).mean() < 0.15


def test_no_pitch_and_no_sound_repeat_in_no_way() -> None:
    signal = np.random.default_rng(0).standard_normal(1600)
    assert periodicity(signal, 16000, np.array([0.05]), np.array([0.0])).tolist() == [0]
    assert periodicity(np.zeros(1600), 16000, np.array([0.05]), np.array([100.0])).tolist() == [0]
