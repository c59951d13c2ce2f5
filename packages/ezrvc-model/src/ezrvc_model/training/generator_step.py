"""The generator's move: sound like the recording, to the ear's scale and to the discriminators."""

from contextlib import nullcontext

import torch
from torch.nn.utils import parametrize

from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batch import Batch
from ezrvc_model.discriminators.judgement import Judgement
from ezrvc_model.losses.adversarial import generator_loss
from ezrvc_model.losses.content import content_loss
from ezrvc_model.losses.f0 import f0_loss
from ezrvc_model.losses.feature_matching import feature_matching_loss
from ezrvc_model.losses.kl import kl_loss
from ezrvc_model.losses.mel import mel_loss
from ezrvc_model.synthesizer.output import SynthesizerOutput
from ezrvc_model.training.counts import Counts
from ezrvc_model.training.listener import Listener
from ezrvc_model.training.metrics import Metrics
from ezrvc_model.training.optimizers import descend
from ezrvc_model.training.state import TrainingState


def generator_step(
    state: TrainingState,
    batch: Batch,
    real: torch.Tensor,
    output: SynthesizerOutput,
    model: SynthesizerConfig,
    settings: TrainConfig,
    bands: torch.Tensor,
    counts: Counts,
    listener: Listener | None = None,
) -> Metrics:
    """Move the generator once; the discriminators judge, but neither move nor get gradients.

    Args:
        state: whose generator moves.
        batch: that it was given.
        real: recorded audio of the slices that were decoded, (batch, 1, n_samples).
        output: what the generator made of the batch.
        model: of the generator.
        settings: weights of the losses, and of the gradients.
        bands: 1 for mel bands that count, (batch, n_mels).
        counts: what sums over the batch are divided by.
        listener: hears what was made the way of conversion; None: nobody does.

    Returns:
        The total, each loss before weighting, and the gradient's norm.
    """
    judge = state.discriminator.alone
    # frozen, so both passes may use the same normalised weights
    once = nullcontext() if settings.compile else parametrize.cached()
    with state.discriminator.frozen(), state.fabric.autocast(), once:
        with torch.no_grad():
            judged_real = Judgement(*judge(real))
        judged_fake = Judgement(*judge(output.audio))
    losses = {
        "mel": mel_loss(output, batch.spectrogram, model, bands=bands, n_bands=counts.bands),
        "kl": kl_loss(output, counts.frames),
        "adversarial": generator_loss(judged_fake) * counts.share,
        "feature_matching": feature_matching_loss(judged_real, judged_fake) * counts.share,
    }
    if output.predicted_log_f0 is not None:
        losses["f0"] = f0_loss(output, counts.frames)
    if listener is not None and output.converted is not None:
        with state.fabric.autocast():
            with torch.no_grad():
                recorded = listener(real)
            losses["content"] = content_loss(listener(output.converted), recorded) * counts.share
    weights = {
        "mel": settings.mel_weight,
        "kl": settings.kl_weight,
        "content": settings.content_weight,
    }
    total = torch.stack([weights.get(name, 1.0) * loss for name, loss in losses.items()]).sum()
    norm = descend(state.fabric, state.generator, total, settings.clip_norm)
    parts = {f"generator/{name}": loss.detach() for name, loss in losses.items()}
    return {"generator/total": total.detach(), **parts, "generator/gradient_norm": norm}
