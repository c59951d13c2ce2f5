"""What a recording of a step reads is kept, and nothing else; what is compiled stays compiled."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch

from ezrvc_device.precision import precision_for
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.data.pieces import Pieces
from ezrvc_model.testing import small_config
from ezrvc_model.training import captured_step
from ezrvc_model.training.captured_step import CapturedStep
from ezrvc_model.training.fabric import make_fabric
from ezrvc_model.training.metrics import Metrics
from ezrvc_model.training.state import TrainingState, new_state

WARM_UP = 1


@pytest.fixture(autouse=True)
def little_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured_step, "WARM_UP", WARM_UP)


def fresh_state() -> TrainingState:
    cpu = torch.device("cpu")
    settings = TrainConfig(discriminator=DiscriminatorConfig(periods=(2,), narrowing=64))
    return new_state(make_fabric(cpu, precision_for(cpu)), small_config(), settings)


def small_pieces() -> Pieces:
    """Of which the steps here read the lengths alone."""
    return Pieces(**{field.name: torch.ones(1) for field in fields(Pieces)})


def record_nothing(work: Callable[[], None]) -> Callable[[], None]:
    """Do the work as it is recorded; a replay does nothing."""
    work()
    return lambda: None


def test_what_a_recording_reads_is_kept() -> None:
    """Tables that were made before and are dropped by who made them."""
    state = fresh_state()
    table = [torch.ones(3)]
    recorded: list[object] = []

    def step(pieces: Pieces) -> Metrics:
        return {"sum": (table[0] * pieces.lengths[0]).sum()}

    def record(work: Callable[[], None]) -> Callable[[], None]:
        work()
        return lambda: recorded.append(None)

    captured = CapturedStep(step, state, record)
    for _ in range(WARM_UP + 1):
        captured(small_pieces())
    assert len(recorded) == 1
    (recording,) = captured._recordings.values()
    assert any(tensor is table[0] for tensor in recording.external)
    assert not any(tensor is recording.metrics["sum"] for tensor in recording.external)
    captured.forget()
    captured(small_pieces())
    assert len(recorded) == 1  # it warms up again


def test_what_came_and_went_unseen_is_not_kept() -> None:
    """Compiled networks make their tensors beside the framework's operators."""
    state = fresh_state()

    def step(pieces: Pieces) -> Metrics:
        unseen = torch.from_numpy(np.ones(3, dtype=np.float32))
        return {"sum": (unseen * pieces.lengths[0]).sum()}

    captured = CapturedStep(step, state, record_nothing)
    for _ in range(WARM_UP + 1):
        captured(small_pieces())
    (recording,) = captured._recordings.values()
    assert not any(tensor.shape == (3,) for tensor in recording.external)


def test_compiled_networks_stay_compiled_while_they_are_recorded() -> None:
    state = fresh_state()
    calls: list[str] = []

    def backend(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., object]:
        def run(*given: torch.Tensor) -> object:
            calls.append("compiled")
            return graph.forward(*given)

        return run

    @torch.compile(backend=backend)
    def network(lengths: torch.Tensor) -> torch.Tensor:
        return lengths.float().sin().sum()

    def step(pieces: Pieces) -> Metrics:
        return {"sum": network(pieces.lengths)}

    captured = CapturedStep(step, state, record_nothing)
    for _ in range(WARM_UP + 3):
        captured(small_pieces())
    assert calls == ["compiled"] * (WARM_UP + 1)
    step(small_pieces())
    assert len(calls) == WARM_UP + 2
