"""Rate and randomness are functions of the step."""

import pytest
import torch

from ezrvc_model.config import TrainConfig
from ezrvc_model.training.randomness import seed_step
from ezrvc_model.training.schedule import learning_rate


def test_rate_falls_by_its_factor_each_epoch() -> None:
    settings = TrainConfig(learning_rate=1e-3, learning_rate_decay=0.5, warm_up_steps=0)
    assert learning_rate(settings, 0, 0) == 1e-3
    assert learning_rate(settings, 3, 90) == pytest.approx(1.25e-4)


def test_rate_rises_on_a_line_to_what_it_would_be() -> None:
    settings = TrainConfig(learning_rate=8e-4, learning_rate_decay=0.5, warm_up_steps=4)
    rates = [learning_rate(settings, 0, step) for step in range(6)]
    assert rates == pytest.approx([2e-4, 4e-4, 6e-4, 8e-4, 8e-4, 8e-4], rel=1e-12)
    assert learning_rate(settings, 1, 2) == pytest.approx(3e-4)  # three quarters of a half
    plain = settings.model_copy(update={"warm_up_steps": 0})
    assert all(learning_rate(settings, 1, step) == learning_rate(plain, 1, step) for step in (3, 9))
    single = settings.model_copy(update={"warm_up_steps": 1})
    assert learning_rate(single, 0, 0) == 8e-4


def test_what_is_left_open_must_be_settled_first() -> None:
    with pytest.raises(ValueError, match=r"train\.warm_up_steps is auto and has not been decided"):
        learning_rate(TrainConfig(), 0, 0)


def test_steps_differ_and_repeat() -> None:
    def draw(seed: int, step: int, rank: int = 0) -> float:
        seed_step(seed, step, rank)
        return torch.rand(1).item()

    assert draw(1, 5) == draw(1, 5)
    assert len({draw(1, 5), draw(1, 6), draw(2, 5), draw(1, 5, rank=1)}) == 4
