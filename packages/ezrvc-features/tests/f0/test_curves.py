"""What is done with a pitch curve: joining through unvoiced frames, classes, the frame grid."""

import math

import numpy as np
import pytest
import torch

from ezrvc_features.f0.interpolation import interpolate_unvoiced
from ezrvc_features.f0.quantization import N_COARSE_BINS, coarse_f0


def test_interpolation_joins_by_straight_lines_and_holds_the_edges() -> None:
    hz = np.array([9, 100, 9, 9, 130, 9], dtype=np.float32)
    voiced = np.array([0, 1, 0, 0, 1, 0], dtype=bool)
    joined = interpolate_unvoiced(hz, voiced)
    assert joined.tolist() == [100, 100, 110, 120, 130, 130]
    assert joined.dtype == np.float32


def test_interpolation_of_nothing_voiced_is_zero() -> None:
    assert interpolate_unvoiced(np.full(4, 7.0), np.zeros(4, bool)).tolist() == [0] * 4


def test_interpolation_keeps_a_voiced_curve() -> None:
    hz = np.linspace(80, 300, 50).astype(np.float32)
    assert interpolate_unvoiced(hz, np.ones(50, bool)).tolist() == hz.tolist()


def class_of(hz: float) -> int:
    """Written from the formula: 254 equal steps between the mels of 50 and 1100 Hz, from 1."""
    low, high = (1127 * math.log(1 + f / 700) for f in (50, 1100))
    mel = 1127 * math.log(1 + hz / 700)
    return min(max(math.floor((mel - low) * 254 / (high - low) + 1.5), 1), 255)


def is_between_classes(hz: float) -> bool:
    low, high = (1127 * math.log(1 + f / 700) for f in (50, 1100))
    return abs(((1127 * math.log(1 + hz / 700) - low) * 254 / (high - low)) % 1 - 0.5) < 1e-3


def test_classes_on_a_grid() -> None:
    grid = [hz for hz in np.arange(1, 1600, 0.37) if not is_between_classes(hz)]
    assert coarse_f0(torch.tensor(grid)).tolist() == [class_of(hz) for hz in grid]


@pytest.mark.parametrize(("hz", "expected"), [(0, 1), (20, 1), (50, 1), (1100, 255), (5000, 255)])
def test_classes_at_the_ends(hz: float, expected: int) -> None:
    assert coarse_f0(torch.tensor([[float(hz)]])).tolist() == [[expected]]


def test_classes_above_the_highest_can_be_those_of_so_vits_svc() -> None:
    hz = torch.tensor([0.0, 50.0, 440.0, 1100.0, 1103.0, 1104.0, 8000.0])
    clamped, zeroed = coarse_f0(hz), coarse_f0(hz, overflow="zero")
    assert zeroed[:5].equal(clamped[:5])
    assert zeroed[5:].tolist() == [0, 0]
    assert clamped.max() == N_COARSE_BINS - 1
