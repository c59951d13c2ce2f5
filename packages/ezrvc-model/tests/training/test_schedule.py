"""Rate and randomness are functions of the step."""

import pytest
import torch

from ezrvc_model.config import TrainConfig
from ezrvc_model.training.randomness import seed_step
from ezrvc_model.training.schedule import learning_rate


def test_rate_falls_by_its_factor_each_epoch() -> None:
    settings = TrainConfig(learning_rate=1e-3, learning_rate_decay=0.5)
    assert learning_rate(settings, 0) == 1e-3
    assert learning_rate(settings, 3) == pytest.approx(1.25e-4)


def test_steps_differ_and_repeat() -> None:
    def draw(seed: int, step: int, rank: int = 0) -> float:
        seed_step(seed, step, rank)
        return torch.rand(1).item()

    assert draw(1, 5) == draw(1, 5)
    assert len({draw(1, 5), draw(1, 6), draw(2, 5), draw(1, 5, rank=1)}) == 4
