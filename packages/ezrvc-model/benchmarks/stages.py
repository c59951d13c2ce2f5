"""Where the time of a conversion goes: source, prior, flow and decoder, at several lengths.

    python packages/ezrvc-model/benchmarks/stages.py [--preset sovits-44k] [--seconds 5 20 60]

Features are random and given. Beside each decoder's time stands that of the same weights run
plainly (eager, float32, whole length), measured in turns with it, so that their ratio holds on a
machine that does other things too. Ends with the process's peak of resident memory.
"""

import argparse
import copy
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.precision import convolution_dtype
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.noise import TorchNoise
from ezrvc_model.presets import load_preset
from ezrvc_model.synthesizer.synthesizer import Synthesizer


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", default="sovits-44k")
    parser.add_argument("--seconds", type=float, nargs="+", default=[5.0, 20.0, 60.0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--without-plain", action="store_true", help="leave the plain decoder out")
    parser.add_argument("--once", action="store_true", help="only one whole pass: its peak memory")
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    config = SynthesizerConfig.from_tree(load_preset(arguments.preset)["model"])
    torch.manual_seed(0)
    synthesizer = Synthesizer(config).prepare_for_inference().to(device)
    if arguments.once:
        one_pass(synthesizer, max(arguments.seconds), device)
        return
    threads = f"{torch.get_num_threads()} threads, " if device.type == "cpu" else ""
    dtype = str(convolution_dtype(device)).removeprefix("torch.")
    print(f"{arguments.preset} on {device}, {threads}convolutions in {dtype}, milliseconds")
    print("seconds  source   prior    flow  decoder   whole  x real time  plain decoder  ratio")
    for seconds in arguments.seconds:
        with torch.inference_mode():
            times = measure(
                synthesizer, seconds, device, arguments.repeats, plain=not arguments.without_plain
            )
        whole = times["source"] + times["prior"] + times["flow"] + times["decoder"]
        row = "".join(f"{times[part]:8.1f}" for part in ("source", "prior", "flow"))
        line = (
            f"{seconds:7.0f}{row}{times['decoder']:9.1f}{whole:8.1f}{1000 * seconds / whole:13.1f}"
        )
        if "plain" in times:
            line += f"{times['plain']:15.1f}{times['decoder'] / times['plain']:7.2f}"
        print(line, flush=True)
    # in a process of its own, which holds nothing else
    longest = str(max(arguments.seconds))
    only_once = ["--once", "--preset", arguments.preset, "--device", arguments.device]
    subprocess.run([sys.executable, __file__, *only_once, "--seconds", longest], check=True)


def one_pass(synthesizer: Synthesizer, seconds: float, device: torch.device) -> None:
    """The whole network over one sound, features given, and what the process held at most."""
    config = synthesizer.config
    n_frames = round(seconds * config.sample_rate / config.hop_length)
    f0 = torch.full((1, n_frames), 220.0, device=device)
    start = time.perf_counter()
    with torch.inference_mode():
        synthesizer.infer(
            torch.randn(1, config.content_dim, n_frames, device=device),
            f0,
            torch.ones_like(f0),
            torch.zeros(1, dtype=torch.int64, device=device),
            torch.rand_like(f0) if config.volume_embedding else None,
            noise=TorchNoise(),
        )
    synchronize(device)
    print(f"{seconds:g} s in one pass: {time.perf_counter() - start:.1f} s")
    print_peak_memory()


def print_peak_memory() -> None:
    """What the process held at most, its libraries included."""
    # kilobytes on Linux, bytes on macOS
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"peak resident memory {peak / 1e9:.2f} GB")


def measure(
    synthesizer: Synthesizer, seconds: float, device: torch.device, repeats: int, *, plain: bool
) -> dict[str, float]:
    """Milliseconds of each part, the median of some runs in turns."""
    config = synthesizer.config
    n_frames = round(seconds * config.sample_rate / config.hop_length)
    content = torch.randn(1, config.content_dim, n_frames, device=device)
    f0 = torch.full((1, n_frames), 220.0, device=device)
    voiced = torch.ones_like(f0)
    volume = torch.rand_like(f0) if config.volume_embedding else None
    speaker = torch.zeros(1, dtype=torch.int64, device=device)
    noise = TorchNoise()
    vector = synthesizer.embed_speaker(speaker)
    mask = torch.ones_like(f0).unsqueeze(1)
    excitation = synthesizer.source(f0, noise=noise)
    latent = torch.randn(1, config.inter_channels, n_frames, device=device)

    def prior() -> object:
        x = synthesizer.content_embedding(content, voiced, volume, mask)
        return synthesizer.prior_encoder(x, f0, mask).sample(noise)

    parts: dict[str, Callable[[], object]] = {
        "source": lambda: synthesizer.source(f0, noise=noise),
        "prior": prior,
        "flow": lambda: synthesizer.flow(latent, mask, vector, reverse=True),
        "decoder": lambda: synthesizer.decode(latent, excitation, speaker),
    }
    if plain:
        samples = None if excitation is None else excitation.samples
        plain_decoder = copy.deepcopy(synthesizer.decoder)  # before its weights are laid out anew
        parts["plain"] = lambda: plain_decoder(latent, samples, vector)
    for part in parts.values():
        part()
    taken: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(repeats):
        for name, part in parts.items():
            synchronize(device)
            start = time.perf_counter()
            part()
            synchronize(device)
            taken[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in taken.items()}


def synchronize(device: torch.device) -> None:
    """Wait for what was asked of an accelerator."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


if __name__ == "__main__":
    main()
