"""Milliseconds a training step, and where they go, on any device.

    python packages/ezrvc-model/benchmarks/training.py [--preset sovits-44k] [--batch 16]
    python packages/ezrvc-model/benchmarks/training.py --all --out training.jsonl

What runs is the trainer: batches from clips that lie where training keeps them, clipping, log lines
and TensorBoard included; only validation and saving are left out. Clips are made up, of the
greatest length, voiced throughout. On CUDA the profiler counts kernels and says how much of the
time the device was busy. `--all` measures every case of the table in processes of their own, for
at most `--limit` seconds, writes each as a line of JSON as soon as it is known, and compares with
so-vits-svc 4.1 on an H200 (eager, clips of 512 frames; 11,458 kernels a step).
"""

import argparse
import contextlib
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from training_case import Case, Found, measure
from training_measures import MEASURES, ON_THE_DEVICE, WHEN_COMPILED

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.errors import DeviceError
from ezrvc_device.precision import precision_for

REFERENCE = {("fp32", 16): 58.0, ("bf16", 16): 71.0, ("bf16", 64): 206.0}
"""Samples a second."""


def main() -> None:
    """Measure one case and its parts, some, or all."""
    arguments = _arguments()
    device = resolve_device(arguments.device)
    if arguments.all:
        _all(arguments, device)
        return
    if arguments.cases is not None:
        cases = [Case(**each) for each in json.loads(arguments.cases)]
    else:
        cases = [_asked(arguments, device)]
    print(f"{cases[0].preset} on {_in_words(device)}\n{_HEAD}", flush=True)
    for case in cases:
        found = measure(case, device)
        if arguments.out is not None:
            with arguments.out.open("a", encoding="utf-8") as stream:
                stream.write(found.to_json() + "\n")
        print(_line(found), flush=True)
        for kernel in found.longest[: arguments.kernels]:
            print(f"    {kernel.ms:8.2f} ms {kernel.calls:7.0f}  {kernel.name[:150]}", flush=True)
        for name, taken in found.parts.items():
            share = f"{100 * taken / found.ms:5.1f} %" if found.ms else ""
            print(f"    {name:<28}{taken:10.1f} ms  {share}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", default="sovits-44k")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--batch", type=int, help="clips a step; left out: 16")
    parser.add_argument("--frames", type=int, help="of each clip; left out: the preset's")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm-up", type=int, default=10)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--graphs", action="store_true", help="record and replay steps, on CUDA")
    parser.add_argument("--change", default="", choices=["", *MEASURES])
    parser.add_argument("--kernels", type=int, default=0, help="how many to list, longest first")
    parser.add_argument("--all", action="store_true", help="every case of the table")
    parser.add_argument("--limit", type=float, default=460.0, help="seconds that --all may take")
    parser.add_argument("--out", type=Path, help="where cases go, a line of JSON each")
    parser.add_argument("--cases", help=argparse.SUPPRESS)
    return parser.parse_args()


def _asked(arguments: argparse.Namespace, device: torch.device) -> Case:
    """The case that the options name, with its parts."""
    modes = [name for name in ("compile", "graphs") if getattr(arguments, name)]
    return Case(
        precision=precision_for(device, arguments.precision).name,
        batch=arguments.batch or 16,
        mode="+".join(modes) or "eager",
        change=arguments.change,
        preset=arguments.preset,
        frames=arguments.frames,
        warm_up=arguments.warm_up,
        steps=arguments.steps,
        parts=True,
    )


def _all(arguments: argparse.Namespace, device: torch.device) -> None:
    """Groups of cases in processes of their own, the most wanted first."""
    until = time.monotonic() + arguments.limit
    out: Path = arguments.out or Path("training-benchmark.jsonl")
    done_before = len(_read(out))
    for group in _groups(arguments, _precisions(device)):
        left = until - time.monotonic()
        if left < 5:
            print(f"no time is left for {len(group)} cases from {group[0].name!r} on")
            break
        cases = json.dumps([dataclasses.asdict(case) for case in group])
        command = [sys.executable, __file__, "--cases", cases, "--out", str(out.absolute())]
        try:
            subprocess.run([*command, "--device", str(device)], timeout=left, check=False)
        except subprocess.TimeoutExpired:
            print(f"the time is over, with cases from {group[0].name!r} on", flush=True)
    print()
    print(_HEAD)
    for found in _read(out)[done_before:]:
        print(_line(found))


def _precisions(device: torch.device) -> list[str]:
    """Those of the table that the device does, the fastest first."""
    done: list[str] = []
    for name in ("bf16", "fp32"):
        with contextlib.suppress(DeviceError):
            done.append(precision_for(device, name).name)
    return done


def _groups(arguments: argparse.Namespace, precisions: Sequence[str]) -> list[list[Case]]:
    """All cases; those that may spoil a process, or take minutes to begin, by themselves."""
    few, many = (arguments.batch, 2 * arguments.batch) if arguments.batch else (16, 64)
    numbers = {name: getattr(arguments, name) for name in ("preset", "frames", "warm_up", "steps")}
    both = [Case(precision, batch, **numbers) for precision in precisions for batch in (few, many)]
    first = dataclasses.replace(both[0], parts=True)
    narrow, wide = both[0], both[-2]
    changes = [
        dataclasses.replace(wide if "TF32" in change else narrow, change=change)
        for change in MEASURES
        if change not in (*ON_THE_DEVICE, *WHEN_COMPILED)
    ]
    graphs = [dataclasses.replace(case, mode="graphs") for case in both]
    layouts = [
        dataclasses.replace(graphs[-1 if "fp32" in change else 1], change=change)
        for change in ON_THE_DEVICE
    ]
    best = dataclasses.replace(graphs[0], change="with cudnn.benchmark")
    return [
        [first, *both[1:]],
        graphs,
        layouts,
        changes,
        [best, dataclasses.replace(best, batch=many)],
        [dataclasses.replace(both[1], mode="compile+graphs")],
        [dataclasses.replace(narrow, mode="compile+graphs")],
    ]


_HEAD = (
    f"{'case':<46}{'ms':>8}{'clips/s':>9}{'x ref.':>8}{'kernels':>9}{'copies':>8}{'busy':>7}"
    f"{'GiB':>7}{'start s':>9}{'mel':>9}{'total':>9}"
)


def _line(found: Found) -> str:
    name = found.case.name
    if found.error is not None or found.ms is None or found.samples_per_s is None:
        return f"{name:<46} not measured: {found.error}"
    theirs = REFERENCE.get((found.case.precision, found.case.batch))
    if found.case.preset != "sovits-44k" or found.case.frames is not None:
        theirs = None
    return (
        f"{name:<46}{found.ms:8.1f}{found.samples_per_s:9.1f}"
        f"{_number(theirs and found.samples_per_s / theirs, 8, 2)}"
        f"{_number(found.kernels, 9, 0)}{_number(found.copies, 8, 0)}{_number(found.busy, 7, 2)}"
        f"{_number(found.memory_gib, 7, 1)}{_number(found.start_s, 9, 1)}"
        f"{_number(found.losses.get('mel'), 9, 4)}{_number(found.losses.get('total'), 9, 2)}"
    )


def _number(value: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"


def _read(out: Path) -> list[Found]:
    if not out.exists():
        return []
    return [Found.from_json(line) for line in out.read_text(encoding="utf-8").splitlines()]


def _in_words(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return f"{device}{threads}"


if __name__ == "__main__":
    main()
