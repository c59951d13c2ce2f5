"""One way to train, run and measured: the trainer itself on made-up clips."""

import contextlib
import json
import tempfile
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from lightning.fabric import Fabric
from torch.profiler import ProfilerActivity, profile
from training_measures import MEASURES
from training_parts import synchronize, times_of_parts

from ezrvc_audio.manifest import Clip
from ezrvc_device.memory import memory_status
from ezrvc_device.precision import precision_for
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batches import TrainingBatches
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.clip_places import InMemory, OnDevice
from ezrvc_model.data.clip_set import ClipSet
from ezrvc_model.presets import load_preset
from ezrvc_model.training.automatic import settle
from ezrvc_model.training.captured_step import recorder_for
from ezrvc_model.training.fabric import make_fabric
from ezrvc_model.training.processes import Agreement
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.saving import Saver
from ezrvc_model.training.state import TrainingState, new_state
from ezrvc_model.training.trainer import Trainer

PROFILED = 2
"""Steps that the profiler sees."""
LOG_EVERY = 10
KEPT = 60
"""Kernels of a case that are written down, the longest first."""


@dataclass(frozen=True)
class Case:
    """A way to train.

    Attributes:
        precision: `fp32`, `bf16`.
        batch: clips a step.
        mode: `eager`, `graphs`, `compile`, or `compile+graphs`.
        change: a measure that is taken away or added, see `training_measures`; empty: none.
        preset: the voice's numbers.
        frames: of each piece; None: the preset's.
        warm_up: steps before the first that counts.
        steps: that count.
        parts: whether the parts of a step are timed as well.
        profiled: whether the profiler sees some steps, on CUDA.
    """

    precision: str
    batch: int
    mode: str = "eager"
    change: str = ""
    preset: str = "sovits-44k"
    frames: int | None = None
    warm_up: int = 10
    steps: int = 20
    parts: bool = False
    profiled: bool = True

    @property
    def name(self) -> str:
        """In words."""
        return (
            f"{self.precision} {self.batch:>3} {self.mode}{f', {self.change}' * bool(self.change)}"
        )


class Kernel(NamedTuple):
    """What a device did under one name, a step: milliseconds and how often."""

    name: str
    ms: float
    calls: float


@dataclass
class Found:
    """What a case showed.

    Attributes:
        case: which.
        ms: a step, steps following each other, batches, clipping and log lines included.
        samples_per_s: clips a second.
        kernels: a step; None: not on this device.
        copies: and fillings of memory, a step.
        busy: share of the time in which the device computed.
        memory_gib: at the most, on a CPU now.
        start_s: seconds until the first step that counts.
        losses: of the last line of the log; equal for equal batches, but for noise.
        parts: milliseconds of each part of a step, waited for one by one.
        longest: kernels, those that take the most time first.
        error: why it could not be measured.
    """

    case: Case
    ms: float | None = None
    samples_per_s: float | None = None
    kernels: int | None = None
    copies: int | None = None
    busy: float | None = None
    memory_gib: float | None = None
    start_s: float | None = None
    losses: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    longest: list[Kernel] = field(default_factory=list)
    error: str | None = None

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Found":
        """What `to_json` wrote."""
        tree = json.loads(line)
        longest = [Kernel(*each) for each in tree.get("longest", ())]
        return cls(**{**tree, "case": Case(**tree["case"]), "longest": longest})


class Watch:
    """Told of each step, times some and lets the profiler see some that follow."""

    def __init__(self, case: Case, device: torch.device) -> None:
        self._case = case
        self._device = device
        self._profiler: Any = None
        self._began_s = time.perf_counter()
        self._from_s = 0.0
        self.start_s = self.ms = 0.0
        self.kernels: int | None = None
        self.copies: int | None = None
        self.busy: float | None = None
        self.longest: list[Kernel] = []

    @property
    def last(self) -> int:
        """The step to end at."""
        return self._case.warm_up + self._case.steps + 1 + PROFILED

    def __call__(self, step: str, completed: float, total: float | None = None) -> None:
        """See `ezrvc_device.progress.Progress`."""
        first, end = self._case.warm_up, self._case.warm_up + self._case.steps
        if completed == first:
            synchronize(self._device)
            self._from_s = time.perf_counter()
            self.start_s = self._from_s - self._began_s
        elif completed == end:
            synchronize(self._device)
            self.ms = 1000 * (time.perf_counter() - self._from_s) / self._case.steps
        elif completed == end + 1 and self._device.type == "cuda" and self._case.profiled:
            synchronize(self._device)
            self._profiler = profile(activities=[ProfilerActivity.CUDA])
            self._profiler.start()
        elif completed == self.last and self._profiler is not None:
            synchronize(self._device)
            self._profiler.stop()
            self._count(self._profiler.events() or ())

    def _count(self, events: Any) -> None:
        work = [event for event in events if event.device_type.name == "CUDA"]
        copies = [event for event in work if event.name.startswith(("Memcpy", "Memset"))]
        self.kernels = (len(work) - len(copies)) // PROFILED
        self.copies = len(copies) // PROFILED
        busy_us = sum(event.device_time for event in work) / PROFILED
        self.busy = busy_us / 1000 / self.ms
        times: dict[str, list[float]] = {}
        for event in work:
            times.setdefault(event.name, []).append(event.device_time / 1000)
        kernels = [
            Kernel(name, sum(ms) / PROFILED, len(ms) / PROFILED) for name, ms in times.items()
        ]
        self.longest = sorted(kernels, key=lambda kernel: -kernel.ms)[:KEPT]


def measure(case: Case, device: torch.device) -> Found:
    """Train as the case says; what goes wrong is its answer."""
    try:
        with MEASURES[case.change]() if case.change else contextlib.nullcontext():
            return _measured(case, device)
    except Exception as error:  # noqa: BLE001 - the other cases go on
        return Found(case, error=f"{type(error).__name__}: {str(error).strip()[:200]}")


def _measured(case: Case, device: torch.device) -> Found:
    with as_training_sets_it(case, device):
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        fabric = make_fabric(device, precision_for(device, case.precision))
        trained = train_case(case, fabric)
        watch = trained.watch
        parts = {}
        if case.parts:
            parts = times_of_parts(trained.state, trained.batches, *configuration(case))
    return Found(
        case,
        ms=watch.ms,
        samples_per_s=1000 * case.batch / watch.ms,
        kernels=watch.kernels,
        copies=watch.copies,
        busy=watch.busy,
        memory_gib=_memory(device) / 2**30,
        start_s=watch.start_s,
        losses={name: trained.metrics[f"generator/{name}"] for name in ("mel", "total")},
        parts=parts,
        longest=watch.longest,
    )


@dataclass
class Trained:
    """What is left of a training: what watched it, what learnt, on what, the last metrics."""

    watch: Watch
    state: TrainingState
    batches: TrainingBatches
    metrics: dict[str, float]


def train_case(case: Case, fabric: Fabric) -> Trained:
    """Train as the case says, in the processes of `fabric`."""
    model, settings = configuration(case)
    settings = settings.model_copy(update={"cuda_graphs": "graphs" in case.mode})
    state, batches = prepare(case, fabric)
    watch = Watch(case, fabric.device)
    with tempfile.TemporaryDirectory() as folder:
        metrics, _ = Trainer(
            run=RunFolder(Path(folder)),
            model=model,
            settings=settle(settings.model_copy(update={"max_steps": watch.last}), None),
            state=state,
            batches=batches,
            saver=cast(Saver, Unsaved()),
            held_out=ClipSet(InMemory()),
            validators=(),
            observers=(),
            progress=watch,
            agreement=Agreement(fabric),
            restart=lambda: None,
            record=recorder_for(fabric, settings),
        ).fit()
    return Trained(watch, state, batches, metrics)


class Unsaved:
    """Stands in for a saver: what is measured here is worth no checkpoint."""

    def is_due(self, step: int, metrics: Mapping[str, float] | None = None) -> bool:
        """Never."""
        return False

    def save(self, state: TrainingState, epoch: int) -> None:
        """Nothing."""


@contextlib.contextmanager
def as_training_sets_it(case: Case, device: torch.device) -> Generator[None]:
    """What `train` sets for a whole process."""
    before = torch.get_float32_matmul_precision()
    if precision_for(device, case.precision).name != "fp32":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        if device.type == "cuda":
            torch.cuda.empty_cache()


def configuration(case: Case) -> tuple[SynthesizerConfig, TrainConfig]:
    """Of the network and of training."""
    tree = load_preset(case.preset)
    changes = {
        "batch_size": case.batch,
        "precision": case.precision,
        "compile": "compile" in case.mode,
        "fixed_length": True,
        "clip_norm": 1000.0,
        "log_every": LOG_EVERY,
        **({} if case.frames is None else {"max_clip_frames": case.frames}),
    }
    return (
        SynthesizerConfig.from_tree(tree["model"]),
        TrainConfig.from_tree({**tree["train"], **changes}),
    )


def prepare(case: Case, fabric: Fabric) -> tuple[TrainingState, TrainingBatches]:
    """Fresh networks, and clips of noise where training would keep them."""
    model, settings = configuration(case)
    device = fabric.device
    torch.manual_seed(0)
    state = new_state(fabric, model, settings)
    clips = ClipSet(OnDevice(device) if device.type == "cuda" else InMemory())
    for number in range(2 * case.batch):
        clip = noise_clip(f"{number}.wav", model, settings.max_clip_frames + 40)
        listed = Clip(
            path=clip.name, speaker="ada", source="a", start_s=0.0, end_s=1.0, sha256="0" * 64
        )
        clips.add(listed, clip)
    batches = TrainingBatches(
        clips,
        model.frames,
        model.n_fft,
        batch_size=case.batch,
        max_clip_frames=settings.max_clip_frames,
        seed=settings.seed,
        fixed_length=True,
        rank=fabric.global_rank,
        n_processes=fabric.world_size,
    )
    return state, batches


def noise_clip(name: str, model: SynthesizerConfig, n_frames: int) -> TrainingClip:
    """Noise, voiced throughout."""
    flat = torch.ones(n_frames)
    features = UtteranceFeatures(
        content=torch.randn(model.content_dim, n_frames).half(),
        f0=220 * flat,
        voiced=flat,
        volume=0.1 * flat,
    )
    audio = 0.1 * torch.randn(model.frames.n_samples(n_frames))
    return TrainingClip(name, 0, features, audio)


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return memory_status(device).process_resident
