"""Milliseconds a training step, and where they go, on any device.

    python packages/ezrvc-model/benchmarks/training.py [--preset sovits-44k] [--batch 16]

Clips are made up: full length, voiced throughout, and lie where training keeps them. "whole" is a
run of steps with nothing between them, batch-making included; the parts are timed one by one, each
waited for, so they add up to more where a device works ahead. On CUDA the profiler also counts
kernels and says how much of the time the device was busy.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch.profiler import ProfilerActivity, profile

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.memory import memory_status
from ezrvc_device.precision import precision_for
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.pieces import Pieces, cut, lay_together
from ezrvc_model.presets import load_preset
from ezrvc_model.synthesizer.slicing import take_slices
from ezrvc_model.training.counts import Counts
from ezrvc_model.training.discriminator_step import discriminator_step
from ezrvc_model.training.fabric import make_fabric
from ezrvc_model.training.generator_step import generator_step
from ezrvc_model.training.randomness import KeyedNoise
from ezrvc_model.training.state import TrainingState, new_state
from ezrvc_model.training.steps import bands_that_count, imitate, training_step

_Result = TypeVar("_Result")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", default="sovits-44k")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--batch", type=int, help="clips a step; left out: the preset's")
    parser.add_argument("--frames", type=int, help="of each clip; left out: the preset's")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    bench = prepare(arguments, device)
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    settings = bench.settings
    print(
        f"{arguments.preset} on {device}{threads}, {settings.precision}, "
        f"{settings.batch_size} clips of {settings.max_clip_frames} frames"
    )
    for _ in range(arguments.warm_up):
        bench.step()
    whole = bench.whole(arguments.steps)
    print(
        f"{'whole':<28}{whole:10.1f} ms  {settings.resolved_batch_size * 1e3 / whole:.1f} clips/s"
    )
    for name, taken in bench.parts(arguments.steps).items():
        print(f"{name:<28}{taken:10.1f} ms  {100 * taken / whole:5.1f} %")
    if device.type == "cuda":
        print(f"{'peak memory':<28}{torch.cuda.max_memory_allocated(device) / 2**30:10.2f} GiB")
        n_kernels, busy_ms = bench.profiled()
        print(f"{'kernels a step':<28}{n_kernels:10d}     busy {100 * busy_ms / whole:.0f} %")
    else:
        resident = memory_status(device).process_resident
        print(f"{'resident memory':<28}{resident / 2**30:10.2f} GiB")


@dataclass(frozen=True)
class Bench:
    """What is measured."""

    state: TrainingState
    model: SynthesizerConfig
    settings: TrainConfig
    clip: TrainingClip

    def pieces(self) -> Pieces:
        """A batch, as training cuts it."""
        n_frames, model = self.settings.max_clip_frames, self.model
        cuts = [
            cut(self.clip, 0, n_frames, model.frames, model.n_fft, key)
            for key in range(self.settings.resolved_batch_size)
        ]
        return lay_together(cuts, model.hop_length, n_frames).to(self.state.fabric.device)

    def step(self) -> None:
        """One whole step; what it asks of a device is not waited for."""
        batch = self.pieces().analyse(self.model.frames, self.model.n_fft)
        training_step(self.state, batch, self.model, self.settings, KeyedNoise(batch.keys))

    def whole(self, n_steps: int) -> float:
        """Milliseconds a step, steps following each other."""
        synchronize(self.state.fabric.device)
        start = time.perf_counter()
        for _ in range(n_steps):
            self.step()
        synchronize(self.state.fabric.device)
        return 1000 * (time.perf_counter() - start) / n_steps

    def parts(self, n_steps: int) -> dict[str, float]:
        """Milliseconds of each part of a step, medians."""
        watch = Stopwatch(self.state.fabric.device)
        for _ in range(n_steps):
            self._step_in_parts(watch)
        return {name: statistics.median(values) for name, values in watch.taken.items()}

    def _step_in_parts(self, watch: "Stopwatch") -> None:
        state, model, settings = self.state, self.model, self.settings
        pieces = watch.time("batch", self.pieces)
        batch = watch.time("spectrogram", lambda: pieces.analyse(model.frames, model.n_fft))
        noise = KeyedNoise(batch.keys)
        output = watch.time(
            "generator forward", lambda: imitate(state, batch, model, settings, noise)
        )
        starts, n_samples = output.slice_starts, settings.segment_frames * model.hop_length
        real = take_slices(batch.audio, starts * model.hop_length, n_samples)
        bands = bands_that_count(batch, model, settings)
        counts = Counts.over_processes(state.fabric, output.mask, bands)
        fake = output.audio.detach()
        watch.time("discriminator step", lambda: discriminator_step(state, real, fake, settings))
        watch.time(
            "generator losses and step",
            lambda: generator_step(state, batch, real, output, model, settings, bands, counts),
        )

    def profiled(self) -> tuple[int, float]:
        """Kernels a step, and milliseconds in which the device worked."""
        n_steps = 3
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
            for _ in range(n_steps):
                self.step()
            synchronize(self.state.fabric.device)
        kernels = [event for event in profiler.events() or () if event.device_type.name == "CUDA"]
        busy_us = sum(event.device_time for event in kernels)
        return len(kernels) // n_steps, busy_us / 1000 / n_steps


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


def prepare(arguments: argparse.Namespace, device: torch.device) -> Bench:
    """Fresh networks and a clip of noise on the device."""
    tree = load_preset(arguments.preset)
    model = SynthesizerConfig.from_tree(tree["model"])
    precision = precision_for(device, arguments.precision)
    if precision.name != "fp32":
        torch.set_float32_matmul_precision("high")
    asked = {"batch_size": arguments.batch, "max_clip_frames": arguments.frames}
    changes = {name: value for name, value in asked.items() if value is not None}
    settings = TrainConfig.from_tree({**tree["train"], **changes}).model_copy(
        update={"compile": arguments.compile, "fixed_length": True, "precision": precision.name}
    )
    torch.manual_seed(0)
    state = new_state(make_fabric(device, precision), model, settings)
    return Bench(state, model, settings, noise_clip(model, settings.max_clip_frames, device))


def noise_clip(model: SynthesizerConfig, n_frames: int, device: torch.device) -> TrainingClip:
    """Noise, voiced throughout, on the device."""
    flat = torch.ones(n_frames, device=device)
    content = torch.randn(model.content_dim, n_frames, device=device).half()
    audio = 0.1 * torch.randn(model.frames.n_samples(n_frames), device=device)
    features = UtteranceFeatures(content=content, f0=220 * flat, voiced=flat, volume=0.1 * flat)
    return TrainingClip("noise.wav", 0, features, audio)


def synchronize(device: torch.device) -> None:
    """Wait for what was asked of an accelerator."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


if __name__ == "__main__":
    main()
