"""A few steps on made-up clips: how fast training is, what memory it takes, what batch fits."""

import gc
import itertools
import time
from dataclasses import dataclass

import torch

from ezrvc_device.memory import memory_status
from ezrvc_device.precision import precision_for
from ezrvc_device.seeding import capture_random_state, restore_random_state
from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batch import Batch
from ezrvc_model.noise import TorchNoise
from ezrvc_model.training.fabric import make_fabric
from ezrvc_model.training.listener import Listener
from ezrvc_model.training.state import TrainingState, check_compiles, new_state
from ezrvc_model.training.steps import training_step

CPU_BATCH_SIZE = 8
"""On a CPU a step takes as long as its clips together: more of them gain nothing."""
MOST_CLIPS = 64
"""Of a batch whose size is found by trial."""
SPARE_MEMORY = 0.1
"""Share of the device's memory that a trial must leave."""


@dataclass(frozen=True)
class Trial:
    """What a few steps showed.

    Attributes:
        batch_size: clips a step.
        n_parameters: of generator and discriminator, as they are trained.
        s_per_step: seconds, for clips of the greatest length; the first step is not counted.
        memory: bytes at the most, on the device; on a CPU an estimate of the process's growth.
    """

    batch_size: int
    n_parameters: tuple[int, int]
    s_per_step: float
    memory: int


def fitting_batch_size(
    model: SynthesizerConfig,
    settings: TrainConfig,
    device: torch.device,
    n_clips: int,
    listener: Listener | None = None,
) -> int:
    """How many clips a step should have: the most that fit, but at most 64 and at most all.

    On a CPU 8; elsewhere the greatest power of two whose steps, on clips of the greatest length,
    leave a tenth of the device's memory free.

    Raises:
        ModelError: not even a single clip fits.
    """
    most = min(MOST_CLIPS, n_clips)
    if device.type == "cpu":
        return min(CPU_BATCH_SIZE, most)
    best = 1
    for size in itertools.takewhile(lambda size: size <= most, (2**k for k in range(7))):
        trial = try_steps(
            model, settings.model_copy(update={"batch_size": size}), device, listener=listener
        )
        if trial is None:
            break
        best = size
    return best


def try_steps(
    model: SynthesizerConfig,
    settings: TrainConfig,
    device: torch.device,
    n_steps: int = 2,
    *,
    listener: Listener | None = None,
) -> Trial | None:
    """Take a few training steps with fresh networks on clips of the greatest length.

    The caller's random state stays as it is. Networks are not compiled: that would take minutes for
    every size of batch, and what fits without fits with it.

    Returns:
        What they showed; None when the device's memory does not hold them with some to spare.

    Raises:
        ModelError: networks are to be compiled, which this device does not do.
    """
    if settings.compile:
        check_compiles(device)
        settings = settings.model_copy(update={"compile": False})
    random_state = capture_random_state()
    try:
        return _measured(model, settings, device, n_steps, listener)
    except RuntimeError as error:
        if "out of memory" not in str(error):  # MPS has no class of its own for it
            raise
        return None
    finally:
        restore_random_state(random_state)
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()


def _measured(
    model: SynthesizerConfig,
    settings: TrainConfig,
    device: torch.device,
    n_steps: int,
    listener: Listener | None,
) -> Trial | None:
    before = memory_status(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    fabric = make_fabric(device, precision_for(device, settings.precision))
    state = new_state(fabric, model, settings)
    batch = made_up_batch(model, settings, device)
    times = [_timed_step(state, batch, model, settings, listener) for _ in range(1 + n_steps)]
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(device)
        fits = memory_status(device).free >= SPARE_MEMORY * before.total
    else:
        memory = max(0, memory_status(device).process_resident - before.process_resident)
        fits = True
    if not fits:
        return None
    sizes = (_count(state.synthesizer), _count(state.opponent))
    return Trial(settings.resolved_batch_size, sizes, sum(times[1:]) / n_steps, memory)


def _timed_step(
    state: TrainingState,
    batch: Batch,
    model: SynthesizerConfig,
    settings: TrainConfig,
    listener: Listener | None,
) -> float:
    began_s = time.monotonic()
    metrics = training_step(state, batch, model, settings, TorchNoise.seeded(0), listener)
    next(iter(metrics.values())).item()  # waits for the device
    return time.monotonic() - began_s


def made_up_batch(model: SynthesizerConfig, settings: TrainConfig, device: torch.device) -> Batch:
    """Noise of the greatest length that training meets, voiced throughout."""
    size = settings.resolved_batch_size
    n_frames = max(settings.max_clip_frames, settings.segment_frames)
    audio = 0.1 * torch.randn(size, model.frames.n_samples(n_frames), device=device)
    flat = torch.ones(size, n_frames, device=device)
    return Batch(
        content=torch.randn(size, model.content_dim, n_frames, device=device),
        f0=220.0 * flat,
        voiced=flat,
        volume=0.1 * flat,
        spectrogram=linear_spectrogram(audio, model.n_fft, model.hop_length),
        audio=audio[:, None],
        speaker=torch.zeros(size, dtype=torch.long, device=device),
        lengths=torch.full((size,), n_frames, device=device),
        bandwidth_hz=torch.full((size,), torch.inf, device=device),
        keys=torch.arange(size, device=device),
    )


def _count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
