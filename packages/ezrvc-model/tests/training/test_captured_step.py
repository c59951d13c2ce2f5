"""A recorded step, replayed, is the step.

The recorder of this module stands in for CUDA graphs. What it replays are the operators that were
called, with the very tensors that they were called with and into the very tensors that they gave:
no line of the step runs again. Whatever a step would read from the host instead of from a tensor
keeps the value that it had when it was recorded, as in a CUDA graph.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_device.precision import Precision, precision_for
from ezrvc_features.config import FeatureConfig
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.pieces import Pieces, cut, lay_together
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import small_config
from ezrvc_model.training import captured_step, train, train_voice
from ezrvc_model.training import trainer as trainer_module
from ezrvc_model.training.captured_step import (
    CapturedStep,
    CudaRecorder,
    Recorder,
    recorder_for,
)
from ezrvc_model.training.fabric import make_fabric
from ezrvc_model.training.metrics import Metrics
from ezrvc_model.training.randomness import KeyedNoise, seed_step
from ezrvc_model.training.sinks import read_metrics
from ezrvc_model.training.state import TrainingState, new_state
from ezrvc_model.training.steps import training_step

CPU = torch.device("cpu")
BF16 = Precision("bf16", torch.bfloat16, "bf16-mixed", "cpu")
MODEL = small_config().model_copy(update={"dropout": 0.2})
SETTINGS = TrainConfig(
    segment_frames=8,
    clip_norm=50.0,
    discriminator=DiscriminatorConfig(periods=(2, 3), narrowing=64),
)
WARM_UP = 1
NO_WORK = (
    "aten::empty",
    "aten::empty_like",
    "aten::empty_strided",
    "aten::new_empty",
    "aten::new_empty_strided",
    "aten::_local_scalar_dense",
)
"""Operators that leave nothing to replay. The last is the check of lengths, done on a CPU only."""


@pytest.fixture(autouse=True)
def little_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured_step, "WARM_UP", WARM_UP)


class Tape(TorchDispatchMode):
    """Records operators, and puts back what they changed: a recording does no work."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []
        self._made: set[int] = set()
        self._before: list[tuple[torch.Tensor, torch.Tensor]] = []

    def __call__(self, work: Callable[[], None]) -> Callable[[], None]:
        random = torch.get_rng_state()
        tape = Tape()
        with tape:
            work()
        torch.set_rng_state(random)
        with torch.no_grad():
            for changed, before in reversed(tape._before):
                changed.copy_(before)
        return tape.replay

    @torch.no_grad()
    def replay(self) -> None:
        for function, args, kwargs, made in self.calls:
            again = function(*args, **kwargs)
            if not changes(function):
                for old, new in zip(tensors(made), tensors(again), strict=True):
                    old.copy_(new)

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if changes(func):
            old = [t for t in written(func, args, kwargs) if place(t) not in self._made]
            self._before += [(tensor, tensor.clone()) for tensor in old]
        given = as_it_is_now((args, kwargs))
        made = func(*args, **kwargs)
        if not changes(func) and not is_view(func):
            self._made.update(map(place, tensors(made)))
        if not is_view(func) and func.name().partition(".")[0] not in NO_WORK:
            self.calls.append((func, *given, as_it_is_now(made)))
        return made


def place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


def tensors(tree: object) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def as_it_is_now(tree: Any) -> Any:
    """The same memory, seen by tensors whose shapes nobody changes in place."""
    return tree_map_only(torch.Tensor, torch.Tensor.detach, tree)


def changes(function: Any) -> bool:
    return function._schema.is_mutable


def written(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    given = dict(zip((each.name for each in function._schema.arguments), args, strict=False))
    given |= kwargs
    return tensors(
        [
            given.get(each.name)
            for each in function._schema.arguments
            if each.alias_info is not None and each.alias_info.is_write
        ]
    )


def is_view(function: Any) -> bool:
    if torch.Tag.inplace_view in function.tags:
        return True
    answers = function._schema.returns
    return not changes(function) and any(each.alias_info is not None for each in answers)


def pieces_of(*lengths: int, step: int) -> Pieces:
    generator = torch.Generator().manual_seed(step)
    cuts = []
    for number, n_frames in enumerate(lengths):
        features = UtteranceFeatures(
            content=torch.randn(80, n_frames, generator=generator).half(),
            f0=100 + 300 * torch.rand(n_frames, generator=generator),
            voiced=(torch.rand(n_frames, generator=generator) > 0.3).float(),
            volume=torch.rand(n_frames, generator=generator),
        )
        audio = 0.1 * torch.randn(n_frames * MODEL.hop_length, generator=generator)
        clip = TrainingClip("audio/ada/1.wav", 0, features, audio)
        cuts.append(cut(clip, 0, n_frames, MODEL.frames, MODEL.n_fft, key=100 * step + number))
    return lay_together(cuts, MODEL.hop_length, 24 if max(lengths) > 16 else 16)


def fresh_state(precision: Precision) -> TrainingState:
    torch.manual_seed(0)
    return new_state(make_fabric(CPU, precision), MODEL, SETTINGS)


def stepper(state: TrainingState, calls: list[int]) -> Callable[[Pieces], Metrics]:
    def step(pieces: Pieces) -> Metrics:
        calls.append(1)
        batch = pieces.analyse(MODEL.frames, MODEL.n_fft)
        return training_step(state, batch, MODEL, SETTINGS, KeyedNoise(batch.keys))

    return step


def walk(
    state: TrainingState, take: Callable[[Pieces], Metrics], n_steps: int
) -> list[dict[str, float]]:
    """Steps of two shapes in turn, with lengths, keys and learning rate that always differ."""
    found: list[dict[str, float]] = []
    for step in range(n_steps):
        state.set_learning_rate(1e-3 * 0.9**step)
        seed_step(1, step)
        lengths = (20 + step % 4, 9) if step % 2 else (16 - step % 3, 12)
        metrics = take(pieces_of(*lengths, step=step))
        norms = [each.gradient_norms for each in (state.generator, state.discriminator)]
        found.append({name: float(value) for name, value in metrics.items()})
        found[-1] |= {f"norm {n}": float(t.sum()) for n, t in enumerate(norms) if t is not None}
    return found


@pytest.mark.parametrize("precision", [precision_for(CPU), BF16], ids=["fp32", "bf16"])
def test_replayed_steps_are_the_steps(precision: Precision) -> None:
    n_steps = 2 * (WARM_UP + 2)
    plain, replayed = fresh_state(precision), fresh_state(precision)
    plain.keep_learning_rate_in_tensors()  # which is in single precision
    taken: list[int] = []
    captured = CapturedStep(stepper(replayed, taken), replayed, Tape())
    expected = walk(plain, stepper(plain, []), n_steps)
    assert walk(replayed, captured, n_steps) == expected
    assert len(taken) == 2 * (WARM_UP + 1)  # the last of each shape only to be recorded
    for one, other in zip(plain.networks.values(), replayed.networks.values(), strict=True):
        for name, tensor in one.module.state_dict().items():
            assert torch.equal(other.module.state_dict()[name], tensor), name


def test_a_number_from_the_host_stays_what_it_was() -> None:
    """The recorder of this module can tell: a learning rate that is no tensor is not followed."""
    plain, replayed = fresh_state(precision_for(CPU)), fresh_state(precision_for(CPU))
    captured = CapturedStep(stepper(replayed, []), replayed, Tape())
    for group in replayed.generator.optimizer.param_groups:
        group["lr"] = float(group["lr"])
    n_steps = 2 * (WARM_UP + 2)
    expected, found = walk(plain, stepper(plain, []), n_steps), walk(replayed, captured, n_steps)
    assert found[2 * WARM_UP]["generator/total"] == pytest.approx(
        expected[2 * WARM_UP]["generator/total"], rel=1e-5
    )
    assert found[-1]["generator/total"] != pytest.approx(expected[-1]["generator/total"], rel=1e-5)


def run_settings(**changes: object) -> TrainConfig:
    values = {
        "max_steps": 8,
        "batch_size": 2,
        "segment_frames": 8,
        "max_clip_frames": 24,
        "fixed_length": True,
        "learning_rate": 1e-3,
        "discriminator": DiscriminatorConfig(periods=(2,), narrowing=64),
        "checkpoint_every": 5,
        "log_every": 1,
        "validation_clips": 1,
        "validate_every": 3,
    }
    return TrainConfig.model_validate({**values, **changes})


def losses(run: Path) -> list[dict[str, float]]:
    rows = read_metrics(run / "metrics.jsonl")
    return [{k: v for k, v in row.items() if not k.startswith("speed/")} for row in rows]


def test_a_run_of_replayed_steps_is_the_run(
    make_experiment: Callable[..., ExperimentFolder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With validation and a resume in it, and a parameter that is broken once between steps."""
    monkeypatch.setattr(train_voice, "recorder_for", lambda fabric, settings: recorders.pop())
    experiment = make_experiment()
    taken: list[int] = []
    whole_step, breaker = training_step, BreakOnce()

    def counted(*rest: Any) -> Metrics:
        taken.append(1)
        return whole_step(*rest)

    def run(name: str, **changes: object) -> list[dict[str, float]]:
        for max_steps in (3, 8):
            config = run_settings(max_steps=max_steps, **changes)
            train(
                experiment, tmp_path / name, MODEL, config, FeatureConfig(encoder="mel"),
                device="cpu", progress=breaker,
            )  # fmt: skip
        return losses(tmp_path / name)

    monkeypatch.setattr(trainer_module.Trainer, "__post_init__", told_to(breaker))
    recorders: list[Recorder | None] = [Torn(), Torn(), Tape(), Tape(), None, None]
    expected = run("plain")
    monkeypatch.setattr(trainer_module, "training_step", counted)
    found = run("replayed")
    assert len(taken) == 3 * (WARM_UP + 1)  # of 10: each start and the way back begin anew
    assert len(found) == 8
    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, rel=1e-4), one["step"]
    found = run("torn")
    assert [r.message.partition(":")[0] for r in caplog.records].count(NOT_RECORDED) == 2
    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, rel=1e-4), one["step"]


class BreakOnce:
    """Told of the progress of a trainer, breaks a weight of its generator after step 6, once."""

    def __init__(self) -> None:
        self.trainer: trainer_module.Trainer | None = None

    def __call__(self, step: str, completed: float, total: float | None = None) -> None:
        if step == "training" and completed == 6 and self.trainer is not None:
            weight = next(self.trainer.state.synthesizer.flow.parameters())
            self.trainer = None
            with torch.no_grad():
                weight.view(-1)[0] = float("nan")


def told_to(breaker: BreakOnce) -> Callable[[trainer_module.Trainer], None]:
    prepare = trainer_module.Trainer.__post_init__

    def prepared(trainer: trainer_module.Trainer) -> None:
        breaker.trainer = trainer
        prepare(trainer)

    return prepared


class Torn(Tape):
    """Fails when all has been recorded, as a graph does for want of memory."""

    def __call__(self, work: Callable[[], None]) -> Callable[[], None]:
        super().__call__(work)
        raise torch.OutOfMemoryError("CUDA out of memory\nand much more")


NOT_RECORDED = (
    "steps cannot be recorded here and are taken one by one, which is slower "
    "(train.cuda_graphs=false does so from the start)"
)


def test_recording_is_for_one_cuda_device() -> None:
    fabric = make_fabric(CPU, precision_for(CPU))
    by_itself = run_settings(max_steps=1)
    asked, refused = (run_settings(max_steps=1, cuda_graphs=given) for given in (True, False))
    assert by_itself.cuda_graphs == "auto"
    assert recorder_for(fabric, by_itself) is None
    with pytest.raises(ModelError, match=r"train\.cuda_graphs is for CUDA devices.*on cpu"):
        recorder_for(fabric, asked)
    alone, scaled = SimpleNamespace(scaler=None), SimpleNamespace(scaler=object())

    def on_cuda(n_processes: int, precision: object) -> Any:
        return SimpleNamespace(
            device=torch.device("cuda"),
            world_size=n_processes,
            strategy=SimpleNamespace(precision=precision),
        )

    for n_processes, precision in ((2, alone), (1, scaled)):
        assert recorder_for(on_cuda(n_processes, precision), by_itself) is None
        with pytest.raises(ModelError, match="for one process, in fp32 or bf16"):
            recorder_for(on_cuda(n_processes, precision), asked)
    one = on_cuda(1, alone)
    assert isinstance(recorder_for(one, by_itself), CudaRecorder)
    assert isinstance(recorder_for(one, asked), CudaRecorder)
    assert recorder_for(one, refused) is None
    compiled = run_settings(max_steps=1, compile=True)
    assert isinstance(recorder_for(one, compiled), CudaRecorder)
    any_length = compiled.model_copy(update={"fixed_length": False})
    assert recorder_for(one, any_length) is None
