import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_model.conversion.positioned_noise import PositionedNoise

LIKE = torch.zeros(1)


def frames(start: int, n_frames: int, *, seed: int = 1, stream: int = 0) -> torch.Tensor:
    noise = PositionedNoise(seed, start, stream=stream, axis=2)
    return noise.normal((1, 24, n_frames), LIKE)


@settings(deadline=None, max_examples=25)
@given(start=st.integers(0, 6000), length=st.integers(1, 3000), lead=st.integers(0, 500))
def test_a_position_has_its_noise_whatever_the_window(start: int, length: int, lead: int) -> None:
    wide = frames(max(0, start - lead), length + lead)
    assert torch.equal(frames(start, length), wide[..., min(start, lead) :][..., :length])


def test_draws_go_on_where_the_one_before_ended() -> None:
    noise = PositionedNoise(1, 100, stream=1, axis=1)
    parts = [noise.normal((1, n, 5), LIKE) for n in (7, 20_000, 1)]
    whole = PositionedNoise(1, 100, stream=1, axis=1).normal((1, 20_008, 5), LIKE)
    assert torch.equal(torch.cat(parts, dim=1), whole)


def test_seeds_and_streams_differ() -> None:
    first = frames(0, 50)
    assert torch.equal(first, frames(0, 50))
    assert not torch.equal(first, frames(0, 50, seed=2))
    assert not torch.equal(first, frames(0, 50, stream=1))
    assert frames(0, 50).dtype == LIKE.dtype


def test_it_is_standard_normal_and_white() -> None:
    drawn = frames(0, 20_000)[0].numpy()
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1) < 0.01
    neighbours = np.mean(drawn[:, 1:] * drawn[:, :-1])
    assert abs(neighbours) < 0.01


def test_uniform_draws_have_no_position() -> None:
    drawn = [
        PositionedNoise(3, start, stream=0, axis=1).uniform((1, 1000), LIKE, low=-1.0, high=3.0)
        for start in (0, 500)
    ]
    assert torch.equal(*drawn)
    assert -1 <= drawn[0].min() < -0.9
    assert 2.9 < drawn[0].max() < 3
