"""Clips a second on one device and on several, and whether the weights of all stay the same.

    python packages/ezrvc-model/benchmarks/training_scaling.py [--processes 2] [--batch 64]
    python packages/ezrvc-model/benchmarks/training_scaling.py --preset tiny --processes 2

What runs is the trainer, on made-up clips, with as many clips for each process: first one process,
then all, joined by NCCL on CUDA and by gloo on processors. CUDA graphs record the work of a single
device, so steps are taken as ever in both; `training.py --graphs` says what one device does with
them.
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from training_case import Case, as_training_sets_it, train_case

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.precision import precision_for
from ezrvc_model.training.fabric import make_fabric
from ezrvc_model.training.processes import find_launch, part_ways


def main() -> None:
    """Measure one process, then all of them.

    Raises:
        RuntimeError: processes failed or took too long, or their weights differ.
    """
    arguments = _arguments()
    if arguments.worker is not None:
        _work(arguments)
        return
    device = resolve_device(arguments.device)
    many = arguments.processes or (torch.cuda.device_count() if device.type == "cuda" else 1)
    if many < 2:
        print("one device is nothing to compare with: name --processes for several on a processor")
        return
    until = time.monotonic() + arguments.limit
    print(f"{arguments.preset}, {arguments.batch} clips a process, {device.type}, without graphs")
    rates: dict[int, float] = {}
    for n_processes in (1, many):
        answers = _measured(n_processes, many, device, until)
        slowest = max(answer["ms"] for answer in answers)
        rates[n_processes] = 1000 * arguments.batch * n_processes / slowest
        if len({answer["weights"] for answer in answers}) > 1:
            raise RuntimeError(f"the weights of {n_processes} processes differ")
        said = ", weights equal" if n_processes > 1 else ""
        print(
            f"{n_processes} x {answers[0]['device']}: {slowest:.1f} ms a step, "
            f"{rates[n_processes]:.1f} clips/s, mel {answers[0]['mel']:.4f}{said}",
            flush=True,
        )
    print(f"scaling efficiency: {100 * rates[many] / (many * rates[1]):.0f} %")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--processes", type=int, help="left out: one for each CUDA device")
    parser.add_argument("--preset", default="sovits-44k")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--batch", type=int, default=64, help="clips a step of each process")
    parser.add_argument("--frames", type=int, help="of each clip; left out: the preset's")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm-up", type=int, default=5)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that all may take")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(
    n_processes: int, many: int, device: torch.device, until: float
) -> list[dict[str, Any]]:
    """What each process found."""
    with tempfile.TemporaryDirectory() as folder:
        answers = [Path(folder) / f"{rank}.json" for rank in range(n_processes)]
        port = _free_port()
        processes = [
            subprocess.Popen(
                [sys.executable, __file__, *sys.argv[1:], "--worker", str(answer)],
                env=_environment(rank, n_processes, many, port, device),
            )
            for rank, answer in enumerate(answers)
        ]
        try:
            codes = [p.wait(timeout=max(until - time.monotonic(), 0.0)) for p in processes]
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"the time is over for {n_processes} processes") from error
        finally:
            for process in processes:
                process.kill()
                process.wait()
        if any(codes):
            raise RuntimeError(f"{n_processes} processes ended with {codes}")
        return [json.loads(answer.read_text(encoding="utf-8")) for answer in answers]


def _environment(
    rank: int, n_processes: int, many: int, port: int, device: torch.device
) -> Mapping[str, str]:
    """What torchrun tells a process; and as many threads for one process as for each of many."""
    told = dict(os.environ)
    if device.type == "cpu":
        told["OMP_NUM_THREADS"] = str(max((os.cpu_count() or 1) // many, 1))
    if n_processes > 1:
        told |= {
            "TORCHELASTIC_RUN_ID": "scaling",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(n_processes),
            "LOCAL_WORLD_SIZE": str(n_processes),
            "GROUP_RANK": "0",
        }
    return told


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _work(arguments: argparse.Namespace) -> None:
    """Train in this process and write down what was found."""
    device = resolve_device(arguments.device)
    precision = precision_for(device, arguments.precision)
    fabric = make_fabric(device, precision, find_launch(1))
    fabric.launch()
    case = Case(
        precision=precision.name,
        batch=arguments.batch * fabric.world_size,
        preset=arguments.preset,
        frames=arguments.frames,
        warm_up=arguments.warm_up,
        steps=arguments.steps,
        profiled=False,
    )
    with as_training_sets_it(case, fabric.device):
        trained = train_case(case, fabric)
    networks = (trained.state.synthesizer, trained.state.opponent)
    found = {
        "ms": trained.watch.ms,
        "mel": trained.metrics["generator/mel"],
        "device": _name(fabric.device),
        "weights": "".join(_digest(network) for network in networks),
    }
    arguments.worker.write_text(json.dumps(found), encoding="utf-8")
    part_ways()


def _digest(network: nn.Module) -> str:
    """Of every bit of every weight."""
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


if __name__ == "__main__":
    main()
