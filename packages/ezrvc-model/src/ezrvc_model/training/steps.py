"""One training step: both players move once."""

from collections.abc import Mapping

import torch
from lightning.fabric import Fabric

from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batch import Batch
from ezrvc_model.losses.mel import bands_below, mel_spec
from ezrvc_model.noise import Noise
from ezrvc_model.synthesizer.output import SynthesizerOutput
from ezrvc_model.synthesizer.slicing import take_slices
from ezrvc_model.training.counts import Counts, mean_over_processes
from ezrvc_model.training.discriminator_step import discriminator_step
from ezrvc_model.training.generator_step import generator_step
from ezrvc_model.training.listener import Listener
from ezrvc_model.training.metrics import Metrics
from ezrvc_model.training.state import TrainingState


def training_step(
    state: TrainingState,
    batch: Batch,
    model: SynthesizerConfig,
    settings: TrainConfig,
    noise: Noise,
    listener: Listener | None = None,
) -> Metrics:
    """Make audio, teach the discriminators to tell it from real audio, then the generator.

    Args:
        state: what learns; its step counter is the caller's.
        batch: this process's part, on the device.
        model: of the generator.
        settings: weights of the losses.
        noise: of this step.
        listener: hears what is said; None: nobody does, and there is no content loss.

    Returns:
        Flat `group/name` scalars of the whole batch, on the device.
    """
    output = imitate(state, batch, model, settings, noise, convert=listener is not None)
    real = take_slices(
        batch.audio,
        output.slice_starts * model.hop_length,
        settings.segment_frames * model.hop_length,
    )
    bands = bands_that_count(batch, model, settings)
    counts = Counts.over_processes(state.fabric, output.mask, bands)
    fake = output.audio.detach()
    metrics = {
        **discriminator_step(state, real, fake, settings, counts.share),
        **generator_step(state, batch, real, output, model, settings, bands, counts, listener),
    }
    return _of_the_whole_batch(state.fabric, metrics)


def imitate(
    state: TrainingState,
    batch: Batch,
    model: SynthesizerConfig,
    settings: TrainConfig,
    noise: Noise,
    *,
    convert: bool = False,
) -> SynthesizerOutput:
    """Let the generator resynthesize a piece of each clip; arguments as for `training_step`.

    With `convert` it makes each piece the way of conversion as well.
    """
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
        convert=convert,
    )
    return SynthesizerOutput(*answer)


def bands_that_count(batch: Batch, model: SynthesizerConfig, settings: TrainConfig) -> torch.Tensor:
    """Which mel bands of each piece the mel loss compares, (batch, n_mels)."""
    if settings.mask_above_bandwidth:
        return bands_below(batch.bandwidth_hz, mel_spec(model))
    return batch.f0.new_ones(batch.size, model.n_mels)


def _of_the_whole_batch(fabric: Fabric, metrics: Mapping[str, torch.Tensor]) -> Metrics:
    if fabric.world_size == 1:
        return metrics
    values = torch.stack([value.float() for value in metrics.values()])
    return dict(zip(metrics, mean_over_processes(fabric, values).unbind(), strict=True))
