import numpy as np
import pytest

from ezrvc_features.f0.decoding import bins_within, likely_path, pitch_on_path

CENTS = 2000.0 + 20.0 * np.arange(200, dtype=np.float64)


def bumps(centres: list[float], height: float = 0.8) -> np.ndarray:
    """A bump of activation around each step's bin."""
    distance = np.arange(200) - np.array(centres)[:, None]
    return (height * np.exp(-((distance / 1.5) ** 2))).astype(np.float32)


def test_a_single_step_an_octave_off_is_bridged() -> None:
    activations = bumps([50.0] * 9)
    activations[4] = bumps([110.0], 0.9)[0] + bumps([50.0], 0.3)[0]
    assert likely_path(activations).tolist() == [50] * 9


def test_a_note_may_change() -> None:
    activations = bumps([50.0] * 6 + [110.0] * 6)
    assert likely_path(activations).tolist() == [50] * 6 + [110] * 6


def test_a_glide_is_followed() -> None:
    centres = [50.0 + 4 * step for step in range(20)]
    assert likely_path(bumps(centres)).tolist() == centres


def test_the_path_is_the_best_of_all_paths() -> None:
    """Against trying every path, by the costs as stated."""
    random = np.random.default_rng(3)
    activations = random.uniform(0, 1, (4, 15)).astype(np.float32)
    scores = np.log(np.maximum(activations, 0.02))
    bins = np.arange(15)
    distance = np.abs(bins[:, None] - bins)
    moves = np.maximum(np.where(distance <= 12, -0.1 * distance, -np.inf), -4.0)
    total = (
        scores[0][:, None, None, None]
        + (moves + scores[1])[:, :, None, None]
        + (moves + scores[2])[None, :, :, None]
        + (moves + scores[3])[None, None, :, :]
    )
    best = np.unravel_index(total.argmax(), total.shape)
    assert likely_path(activations).tolist() == [int(number) for number in best]


@pytest.mark.parametrize("centre", [50.0, 50.3, 49.6])
def test_pitch_lies_between_bins(centre: float) -> None:
    hz, sure = pitch_on_path(bumps([centre]), np.array([50]), CENTS)
    assert 1200 * np.log2(hz[0] / 10) == pytest.approx(2000 + 20 * centre, abs=0.5)
    assert sure[0] == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("edge", [0, 199])
def test_pitch_at_the_last_bin_leans_on_no_bin_beyond(edge: int) -> None:
    activations = np.zeros((1, 200), dtype=np.float32)
    activations[0, edge] = 0.5
    hz, sure = pitch_on_path(activations, np.array([edge]), CENTS)
    assert hz[0] == pytest.approx(10 * 2 ** (CENTS[edge] / 1200))
    assert sure[0] == 0.5


def test_nothing_active_is_no_error() -> None:
    hz, sure = pitch_on_path(np.zeros((2, 200), np.float32), np.array([5, 6]), CENTS)
    assert np.isfinite(hz).all()
    assert not sure.any()


def test_bins_within_a_range_reach_half_a_bin_beyond() -> None:
    hz = 10 * 2 ** (CENTS / 1200)
    inside = bins_within(CENTS, hz[40] * 1.001, hz[60] * 0.999)
    assert np.flatnonzero(inside).tolist() == list(range(40, 61))
