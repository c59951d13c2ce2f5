"""Metrics are averaged, kept once a step, and never NaN."""

import json
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ezrvc_model.errors import ModelError
from ezrvc_model.training.metrics import MetricWindow
from ezrvc_model.training.sinks import JsonLinesSink, TensorBoardSink, read_metrics


def metrics(**values: float) -> dict[str, torch.Tensor]:
    return {f"generator/{name}": torch.tensor(value) for name, value in values.items()}


def test_mean_is_over_the_window_and_begins_anew() -> None:
    window = MetricWindow()
    window.add(1, metrics(mel=1.0, kl=4.0))
    window.add(2, metrics(mel=2.0))
    assert window.mean() == {"generator/mel": 1.5, "generator/kl": 4.0}
    window.add(3, metrics(mel=5.0))
    assert window.mean() == {"generator/mel": 5.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_stops_with_step_and_name(value: float) -> None:
    window = MetricWindow()
    window.add(7, metrics(mel=1.0, kl=2.0))
    window.add(8, metrics(mel=1.0, kl=value))
    window.add(9, metrics(mel=value, kl=value))
    with pytest.raises(ModelError, match=rf"step 8: generator/kl = {value};"):
        window.settle()


def test_json_lines_continue_after_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    first = JsonLinesSink(path)
    for step in (10, 20, 30):
        first.write(step, {"generator/mel": step / 10})
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"step": 40, "gener')
    JsonLinesSink(path, after=20).write(30, {"generator/mel": 9.0})
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows] == [10, 20, 30]
    assert rows[-1]["generator/mel"] == 9.0
    assert read_metrics(path) == rows


def test_tensorboard_holds_what_was_written(tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path)
    sink.write(5, {"generator/mel": 1.5})
    sink.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("generator/mel")] == [(5, 1.5)]
