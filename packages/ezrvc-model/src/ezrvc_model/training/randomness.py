"""What is random about a training step, as a function of the seed and the step."""

import numpy as np
import torch

from ezrvc_device.seeding import seed_everything


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Seed the global generators (dropout draws from them) for one step of one process.

    Seeding every step anew makes a resumed run draw what an uninterrupted one draws, on any
    device, without a saved generator state.
    """
    seed_everything(_number(seed, step, rank))


def step_generator(seed: int, step: int, device: torch.device) -> torch.Generator:
    """The generator of one step's noise and segments, the same in every process."""
    return torch.Generator(device).manual_seed(_number(seed, step))


def _number(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])
