"""Where the time of a training step goes: its parts, each waited for."""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import torch

from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batches import TrainingBatches
from ezrvc_model.synthesizer.slicing import take_slices
from ezrvc_model.training.counts import Counts
from ezrvc_model.training.discriminator_step import discriminator_step
from ezrvc_model.training.generator_step import generator_step
from ezrvc_model.training.randomness import KeyedNoise
from ezrvc_model.training.state import TrainingState
from ezrvc_model.training.steps import bands_that_count, imitate

N_STEPS = 5
_Result = TypeVar("_Result")


def times_of_parts(
    state: TrainingState,
    batches: TrainingBatches,
    model: SynthesizerConfig,
    settings: TrainConfig,
) -> dict[str, float]:
    """Milliseconds of each part, medians; together more than a step where a device works ahead."""
    watch = Stopwatch(state.fabric.device)
    for step in range(N_STEPS):
        _step_in_parts(watch, state, batches, step, model, settings)
    return {name: statistics.median(values) for name, values in watch.taken.items()}


def _step_in_parts(
    watch: "Stopwatch",
    state: TrainingState,
    batches: TrainingBatches,
    step: int,
    model: SynthesizerConfig,
    settings: TrainConfig,
) -> None:
    pieces = watch.time("batch", lambda: batches[step].to(state.fabric.device))
    batch = watch.time("spectrogram", lambda: pieces.analyse(model.frames, model.n_fft))
    noise = KeyedNoise(batch.keys)
    output = watch.time("generator forward", lambda: imitate(state, batch, model, settings, noise))
    hop = model.hop_length
    real = take_slices(batch.audio, output.slice_starts * hop, settings.segment_frames * hop)
    bands = bands_that_count(batch, model, settings)
    counts = Counts.over_processes(state.fabric, output.mask, bands)
    fake = output.audio.detach()
    watch.time("discriminator step", lambda: discriminator_step(state, real, fake, settings))
    watch.time(
        "generator losses and step",
        lambda: generator_step(state, batch, real, output, model, settings, bands, counts),
    )


class Stopwatch:
    """Times work on a device, waiting for it before and after."""

    def __init__(self, device: torch.device) -> None:
        self.taken: dict[str, list[float]] = {}
        self._device = device

    def time(self, name: str, work: Callable[[], _Result]) -> _Result:
        """Do the work and remember its milliseconds."""
        synchronize(self._device)
        start = time.perf_counter()
        result = work()
        synchronize(self._device)
        self.taken.setdefault(name, []).append(1000 * (time.perf_counter() - start))
        return result


def synchronize(device: torch.device) -> None:
    """Wait for what was asked of an accelerator."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
