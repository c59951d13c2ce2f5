"""Cutting and blending, without any network."""

import itertools

import pytest
import torch

from ezrvc_features.content.windows import SPEECH_HOP, WindowPlan, encode_in_windows


def first_samples(samples: torch.Tensor) -> torch.Tensor:
    """An encoder that sees one hop at a time: (2, n_frames) of each hop's first two samples."""
    n_frames = len(samples) // SPEECH_HOP
    return samples[: n_frames * SPEECH_HOP].reshape(n_frames, SPEECH_HOP)[:, :2].T.clone()


@pytest.mark.parametrize("n_frames", [1, 39, 40, 41, 47, 60, 77, 100, 233])
def test_windows_of_a_local_encoder_are_one_pass(n_frames: int) -> None:
    samples = torch.arange(n_frames * SPEECH_HOP + 55, dtype=torch.float32) % 997
    pieces = encode_in_windows(samples, (2, n_frames), first_samples, WindowPlan(40))
    torch.testing.assert_close(pieces, first_samples(samples), rtol=1e-5, atol=0)


@pytest.mark.parametrize("n_frames", range(41, 200))
def test_windows_cover_everything_with_enough_overlap(n_frames: int) -> None:
    plan = WindowPlan(40)
    starts = plan.starts(n_frames)
    assert starts[0] == 0
    assert starts[-1] + plan.n_frames == n_frames
    steps = [after - before for before, after in itertools.pairwise(starts)]
    # Even spreading rounds starts to whole frames: one frame of an overlap may go.
    assert max(steps) <= plan.n_frames - plan.overlap_frames + 1


def test_weights_of_neighbours_sum_to_one() -> None:
    plan = WindowPlan(40)
    left = plan.weights(40, first=True, last=False)[-plan.overlap_frames :]
    right = plan.weights(40, first=False, last=True)[: plan.overlap_frames]
    torch.testing.assert_close(left + right, torch.ones(plan.overlap_frames))
    assert right[: plan.guard_frames].eq(0).all()
    assert left[-plan.guard_frames :].eq(0).all()


def test_a_window_is_never_longer_than_planned() -> None:
    lengths: list[int] = []

    def encode(samples: torch.Tensor) -> torch.Tensor:
        lengths.append(len(samples))
        return first_samples(samples[: len(samples) // SPEECH_HOP * SPEECH_HOP])

    samples = torch.zeros(500 * SPEECH_HOP + 80)
    encode_in_windows(samples, (2, 500), encode, WindowPlan(40), lookahead=80)
    assert set(lengths) == {40 * SPEECH_HOP + 80}
