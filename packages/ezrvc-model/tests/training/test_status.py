"""How a run stands, read from its folder."""

import json
import os
from pathlib import Path

import pytest

from ezrvc_device.configuration import save_yaml
from ezrvc_model.errors import ModelError
from ezrvc_model.training.best import Validated
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.status import marked_as_running, read_status


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that is to take 100 steps, has logged 40 and saved 30, and was at its best at 20."""
    folder = RunFolder(tmp_path / "ada")
    save_yaml(folder.config, {"train": {"max_steps": 100}})
    for step in (20, 30):
        (folder.checkpoints / f"step-{step:08d}").mkdir(parents=True)
    rows = [
        {"step": 10, "generator/mel": 3.0, "validation/mel": 2.5},
        {"step": 20, "generator/mel": 2.0, "validation/mel": 1.5, "speed/steps_per_s": 1.0},
        {"step": 30, "generator/mel": 1.5, "validation/mel": 1.75},
        {"step": 40, "generator/mel": 1.25, "generator/gradient_norm": 9.0,
         "speed/steps_per_s": 4.0},
    ]  # fmt: skip
    folder.metrics.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_a_run_that_was_stopped(run: RunFolder) -> None:
    status = read_status(run.root)
    assert (status.step, status.max_steps, status.running) == (40, 100, False)
    assert status.losses == {"generator/mel": 1.25, "validation/mel": 1.75}
    assert (status.steps_per_s, status.eta_s) == (4.0, None)
    assert status.checkpoint == run.checkpoints / "step-00000030"
    assert (status.best, status.best_is_kept) == (Validated(20, 1.5), True)
    assert not status.finished
    assert status.advice is None


def test_a_run_under_way_says_when_it_will_end(run: RunFolder) -> None:
    with marked_as_running(run, 200):
        status = read_status(run.root)
    assert (status.running, status.max_steps) == (True, 200)
    assert status.eta_s == (200 - 40) / 4.0
    assert read_status(run.root).running is False


def test_a_mark_left_by_a_killed_process_or_another_machine(run: RunFolder) -> None:
    mark = {"pid": 2**22 + 1, "host": os.uname().nodename, "max_steps": 100}
    run.running.write_text(json.dumps(mark), encoding="utf-8")
    assert read_status(run.root).running is False
    run.running.write_text(json.dumps({**mark, "host": "elsewhere"}), encoding="utf-8")
    assert read_status(run.root).running is None
    assert read_status(run.root).eta_s is None


def test_a_finished_run(run: RunFolder) -> None:
    save_yaml(run.config, {"train": {"max_steps": 40}})
    assert read_status(run.root).finished


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="ada: no run here; start one with: ezrvc train"):
        read_status(tmp_path / "ada")
