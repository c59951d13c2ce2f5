"""Fades add up: a constant stays constant, and a sound cut into blocks comes back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_audio.crossfade import OverlapAdd, crossfade, fade_in
from ezrvc_audio.errors import AudioError
from ezrvc_audio.testing import noise, tone
from ezrvc_audio.waveform import Waveform


def test_fades_by_hand() -> None:
    np.testing.assert_allclose(fade_in(2), [0.146447, 0.853553], atol=1e-6)  # sin² of 22.5°, 67.5°
    np.testing.assert_allclose(fade_in(1, "equal_power"), [0.707107], atol=1e-6)
    assert fade_in(0).shape == (0,)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 100, 1_001])
def test_fades_add_up(n_samples: int) -> None:
    gain, power = fade_in(n_samples), fade_in(n_samples, "equal_power")
    np.testing.assert_allclose(gain + gain[::-1], 1.0, atol=1e-6)
    np.testing.assert_allclose(power**2 + power[::-1] ** 2, 1.0, atol=1e-6)


def test_crossfade_by_hand() -> None:
    left = Waveform(np.full((1, 4), 1.0, np.float32), 8_000)
    right = Waveform(np.full((1, 3), 2.0, np.float32), 8_000)
    found = crossfade(left, right, 2).samples
    np.testing.assert_allclose(found, [[1.0, 1.0, 1.146447, 1.853553, 2.0]], atol=1e-6)


def test_no_overlap_sets_end_to_end() -> None:
    left, right = noise(0.1), noise(0.2, seed=1)
    expected = np.concatenate([left.samples, right.samples], axis=1)
    np.testing.assert_array_equal(crossfade(left, right, 0).samples, expected)


def test_equal_power_keeps_the_power_of_unrelated_sounds() -> None:
    left, right = noise(2.0, seed=1), noise(2.0, seed=2)
    found = crossfade(left, right, left.n_samples, curve="equal_power").samples
    assert np.mean(found**2) == pytest.approx(np.mean(left.samples**2), rel=0.02)


@given(
    st.integers(0, 50),
    st.lists(st.integers(0, 200), min_size=1, max_size=10),
    st.integers(1, 2),
    st.integers(0, 1_000),
)
@settings(max_examples=100, deadline=None)
def test_blocks_of_one_sound_give_it_back(
    overlap: int, advances: list[int], n_channels: int, seed: int
) -> None:
    n_samples = sum(advances) + overlap
    sound = np.random.default_rng(seed).uniform(-1, 1, (n_channels, n_samples)).astype(np.float32)
    joint = OverlapAdd(overlap, n_channels)
    found: list[np.ndarray] = []
    position = 0
    for advance in advances:
        found.append(joint.push(sound[:, position : position + advance + overlap]))
        assert found[-1].shape == (n_channels, advance)
        position += advance
    found.append(joint.finish())
    np.testing.assert_allclose(np.concatenate(found, axis=1), sound, atol=1e-6)


def test_a_pushed_block_is_not_changed() -> None:
    block = np.ones((1, 8), np.float32)
    joint = OverlapAdd(4)
    joint.push(block)
    joint.push(block)[:] = 7
    joint.finish()[:] = 7
    np.testing.assert_array_equal(block, np.ones((1, 8)))


def test_finished_samples_do_not_change_later() -> None:
    joint = OverlapAdd(2)
    first = joint.push(np.ones((1, 6), np.float32))
    kept = first.copy()
    joint.push(np.full((1, 6), 5.0, np.float32))
    np.testing.assert_array_equal(first, kept)


def test_it_can_be_used_again() -> None:
    joint = OverlapAdd(2)
    assert joint.finish().shape == (1, 0)
    for _ in range(2):
        found = np.concatenate([joint.push(np.ones((1, 5), np.float32)), joint.finish()], axis=1)
        np.testing.assert_array_equal(found, np.ones((1, 5)))


def test_errors() -> None:
    with pytest.raises(AudioError, match="negative, got -1"):
        OverlapAdd(-1)
    with pytest.raises(AudioError, match="block of 3 samples is shorter than the overlap of 4"):
        OverlapAdd(4).push(np.zeros((1, 3), np.float32))
    with pytest.raises(AudioError, match=r"\(2, n_samples\), got \(1, 9\)"):
        OverlapAdd(4, 2).push(np.zeros((1, 9), np.float32))
    with pytest.raises(AudioError, match="44100 Hz with 1 at 48000 Hz"):
        crossfade(tone(), tone(sample_rate=48_000), 10)
    with pytest.raises(AudioError, match="shorter than the overlap"):
        crossfade(tone(duration_s=0.001), tone(), 100)
