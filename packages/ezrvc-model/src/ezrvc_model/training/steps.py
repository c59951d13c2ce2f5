"""One training step: both players move once."""

import torch

from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batch import Batch
from ezrvc_model.noise import Noise
from ezrvc_model.synthesizer.output import SynthesizerOutput
from ezrvc_model.synthesizer.slicing import take_slices
from ezrvc_model.training.discriminator_step import discriminator_step
from ezrvc_model.training.generator_step import generator_step
from ezrvc_model.training.metrics import Metrics
from ezrvc_model.training.state import TrainingState


def training_step(
    state: TrainingState,
    batch: Batch,
    model: SynthesizerConfig,
    settings: TrainConfig,
    noise: Noise,
) -> Metrics:
    """Make audio, teach the discriminators to tell it from real audio, then the generator.

    Args:
        state: what learns; its step counter is the caller's.
        batch: on the device.
        model: of the generator.
        settings: weights of the losses.
        noise: of this step.

    Returns:
        Flat `group/name` scalars, on the device.
    """
    output = imitate(state, batch, model, settings, noise)
    real = take_slices(
        batch.audio,
        output.slice_starts * model.hop_length,
        settings.segment_frames * model.hop_length,
    )
    return {
        **discriminator_step(state, real, output.audio.detach(), settings),
        **generator_step(state, batch, real, output, model, settings),
    }


def imitate(
    state: TrainingState,
    batch: Batch,
    model: SynthesizerConfig,
    settings: TrainConfig,
    noise: Noise,
) -> SynthesizerOutput:
    """Let the generator resynthesize a piece of each clip; arguments as for `training_step`."""
    answer: tuple[torch.Tensor, ...] = state.generator.run(
        batch.content,
        batch.f0,
        batch.voiced,
        batch.speaker,
        batch.spectrogram,
        batch.lengths,
        batch.volume if model.volume_embedding else None,
        segment_frames=settings.segment_frames,
        noise=noise,
    )
    return SynthesizerOutput(*answer)
