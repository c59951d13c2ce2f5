"""The discriminators' move: learn to tell real audio from made audio."""

import torch

from ezrvc_model.config import TrainConfig
from ezrvc_model.discriminators.judgement import Judgement
from ezrvc_model.losses.adversarial import discriminator_loss
from ezrvc_model.training.metrics import Metrics
from ezrvc_model.training.optimizers import descend
from ezrvc_model.training.state import TrainingState


def discriminator_step(
    state: TrainingState,
    real: torch.Tensor,
    fake: torch.Tensor,
    settings: TrainConfig,
    share: torch.Tensor | float = 1.0,
) -> Metrics:
    """Move the discriminators once.

    Args:
        state: whose discriminators move.
        real: recorded audio, (batch, 1, n_samples).
        fake: its imitation, of the same shape, detached from the generator.
        settings: of the gradients.
        share: of this process in the batch, see `Counts`.
    """
    judged = Judgement(*state.discriminator.run(torch.cat([real, fake.to(real)])))
    loss = discriminator_loss(*judged.split((len(real), len(fake)))) * share
    norm = descend(state.fabric, state.discriminator, loss, settings.clip_norm)
    return {"discriminator/total": loss.detach(), "discriminator/gradient_norm": norm}
