from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_model.conversion.loudness import LoudnessContour, LoudnessMatcher, LoudnessMeter

RATE = 100  # half a second is 50 samples


def contour_of(samples: np.ndarray, *cuts: int) -> LoudnessContour:
    meter = LoudnessMeter(RATE)
    for piece in np.split(samples, sorted(cuts)):
        meter.push(piece)
    return meter.contour()


def matched(samples: np.ndarray, source: LoudnessContour, mix: float, *cuts: int) -> np.ndarray:
    matcher = LoudnessMatcher(source, RATE, mix)
    pieces = [matcher.push(piece) for piece in np.split(samples, sorted(cuts))]
    return np.concatenate((*pieces, matcher.finish()))


def test_the_contour_by_hand() -> None:
    samples = np.concatenate((np.full(50, 0.2), np.full(50, 0.4), np.full(25, 0.8)))
    contour = contour_of(samples.astype(np.float32))
    # one second around each half second; nothing before the start and after the end
    energies = [0, 50 * 0.04, 50 * 0.16, 25 * 0.64, 0]
    expected = [np.sqrt((a + b) / 100) for a, b in pairwise(energies)]
    assert contour.rms == pytest.approx(expected, rel=1e-6)
    assert contour.between(25, 26)[0] == pytest.approx((expected[0] + expected[1]) / 2, rel=1e-6)


@settings(deadline=None)
@given(
    n_samples=st.integers(1, 700),
    cuts=st.lists(st.integers(0, 700), max_size=6),
    mix=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_pieces_give_what_the_whole_gives(n_samples: int, cuts: list[int], mix: float) -> None:
    random = np.random.default_rng(n_samples)
    result = random.standard_normal(n_samples).astype(np.float32)
    source = contour_of(random.standard_normal(n_samples).astype(np.float32))
    whole = matched(result, source, mix)
    inside = [min(cut, n_samples) for cut in cuts]
    np.testing.assert_allclose(matched(result, source, mix, *inside), whole, rtol=1e-6)
    assert len(whole) == n_samples


def test_a_mix_of_1_changes_nothing() -> None:
    samples = np.linspace(-1, 1, 333).astype(np.float32)
    assert np.array_equal(matched(samples, contour_of(samples * 9), 1.0), samples)


def test_a_mix_of_0_takes_the_contour_of_the_source() -> None:
    time_s = np.arange(1000) / RATE
    carrier = np.where(np.arange(1000) % 2, 1.0, -1.0)
    source = (carrier * (0.5 + 0.3 * np.sin(0.3 * time_s))).astype(np.float32)
    result = (carrier * 0.05).astype(np.float32)
    louder = matched(result, contour_of(source), 0.0)
    reached = contour_of(louder).rms[2:-3]
    np.testing.assert_allclose(reached, contour_of(source).rms[2:-3], rtol=0.02)


def test_half_a_mix_meets_half_way_in_decibels() -> None:
    carrier = np.where(np.arange(1000) % 2, 1.0, -1.0).astype(np.float32)
    halfway = matched(carrier * 0.01, contour_of(carrier), 0.5)
    assert np.abs(halfway[200:800]) == pytest.approx(0.1, rel=1e-5)


def test_silence_stays_silence() -> None:
    loud = contour_of(np.ones(500, np.float32))
    assert not matched(np.zeros(500, np.float32), loud, 0.0).any()
