"""Training in processes of its own, for tests that kill, limit or join them.

What a process is to run must be importable there. Test modules are not: pytest gives them names
that only its own process knows.
"""

import multiprocessing
import os
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.training import train


def training_process(target: Callable[..., object], *args: object, **kwargs: Any) -> BaseProcess:
    """A process, not yet started, forked from a server that has imported the trainer already.

    Args:
        target: a function that can be imported by its name.
        *args: what it is called with; everything is pickled.
        **kwargs: likewise, by name.
    """
    context: ForkServerContext = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ezrvc_model.training.train_voice"])
    return context.Process(target=target, args=args, kwargs=kwargs)


def train_in_process(
    rank: int,
    port: int,
    experiment: ExperimentFolder,
    run: Path,
    model: SynthesizerConfig,
    config: TrainConfig,
) -> None:
    """Train as process `rank` of two on this machine, with what torchrun tells each."""
    torch.set_num_threads(1)
    os.environ |= {
        "TORCHELASTIC_RUN_ID": "test",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "GROUP_RANK": "0",
    }
    train(experiment, run, model, config, FeatureConfig(encoder="mel"), device="cpu")


def train_with_file_limit(
    n_bytes: int,
    answer: Connection,
    experiment: ExperimentFolder,
    run: Path,
    model: SynthesizerConfig,
    config: TrainConfig,
) -> None:
    """Train where no file may become longer than `n_bytes`; send the error's line as the answer."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
    try:
        train(experiment, run, model, config, FeatureConfig(encoder="mel"), device="cpu")
    except ModelError as error:
        answer.send(str(error))
