"""Checkpoints are whole or absent; what is damaged is named and passed over."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ezrvc_device.atomic import is_temporary
from ezrvc_model.errors import ModelError
from ezrvc_model.training.checkpoint import (
    CheckpointRecord,
    DamagedCheckpointError,
    TrainedNetwork,
    read_record,
    restore_networks,
    write_checkpoint,
)
from ezrvc_model.training.checkpoint_folder import (
    checkpoint_path,
    find_newest,
    list_checkpoints,
    prune,
)


def network(seed: int, *, width: int = 4) -> TrainedNetwork:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, width), nn.PReLU(), nn.Linear(width, 1))
    return TrainedNetwork(module, torch.optim.AdamW(module.parameters(), lr=0.1))


def train(network: TrainedNetwork, steps: int, seed: int = 0) -> list[float]:
    torch.manual_seed(seed)
    losses = []
    for _ in range(steps):
        loss = network.module(torch.randn(8, 3)).square().mean()
        network.optimizer.zero_grad()
        loss.backward()
        network.optimizer.step()
        losses.append(loss.item())
    return losses


def record(step: int) -> CheckpointRecord:
    return CheckpointRecord(step=step, epoch=1, seed=3, clips="c", fixed={"model": {"width": 4}})


def save(folder: Path, step: int, trained: TrainedNetwork | None = None) -> Path:
    path = checkpoint_path(folder, step)
    write_checkpoint(path, {"generator": trained or network(step)}, record(step))
    return path


def test_restored_network_trains_on_as_the_saved_one(tmp_path: Path) -> None:
    original = network(1)
    train(original, 5)
    path = save(tmp_path, 5, original)
    restored = network(2)
    restore_networks(path, {"generator": restored})
    assert train(restored, 5, seed=9) == train(original, 5, seed=9)


def test_record_comes_back(tmp_path: Path) -> None:
    read = read_record(save(tmp_path, 12))
    assert (read.step, read.epoch, read.seed, read.fixed) == (12, 1, 3, {"model": {"width": 4}})
    assert set(read.sha256) == {"generator.safetensors", "generator_optimizer.safetensors"}


def test_state_of_another_network_does_not_fit(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    with pytest.raises(ModelError, match="does not fit this network"):
        restore_networks(path, {"generator": network(1, width=5)})


@pytest.mark.parametrize("victim", ["generator.safetensors", "state.json"])
def test_a_changed_byte_is_damage(tmp_path: Path, victim: str) -> None:
    path = save(tmp_path, 1)
    content = bytearray((path / victim).read_bytes())
    content[len(content) // 2] ^= 255
    (path / victim).write_bytes(content)
    with pytest.raises(DamagedCheckpointError, match="step-00000001: damaged"):
        read_record(path)


@pytest.mark.parametrize("victim", ["generator.safetensors", "state.json"])
def test_a_missing_file_is_damage(tmp_path: Path, victim: str) -> None:
    path = save(tmp_path, 1)
    (path / victim).unlink()
    with pytest.raises(DamagedCheckpointError, match="cannot be read"):
        read_record(path)


def test_a_checkpoint_of_a_newer_program_is_not_taken_for_damaged(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    tree = json.loads((path / "state.json").read_text(encoding="utf-8"))
    (path / "state.json").write_text(json.dumps({**tree, "format_version": 99}), encoding="utf-8")
    with pytest.raises(ModelError, match="format version 99"):
        find_newest(tmp_path)
    assert path.is_dir()


def test_damaged_newest_is_named_and_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for step in (10, 20, 30):
        save(tmp_path, step)
    (tmp_path / "step-00000030" / "generator.safetensors").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        found = find_newest(tmp_path)
    assert found.path == tmp_path / "step-00000020"
    assert found.record is not None
    assert found.record.step == 20
    assert found.damaged == (tmp_path / "damaged-step-00000030",)
    assert "step-00000030: damaged, generator.safetensors" in caplog.text
    assert find_newest(tmp_path).damaged == ()


def test_only_damaged_checkpoints_is_an_error(tmp_path: Path) -> None:
    path = save(tmp_path, 10)
    (path / "state.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"no checkpoint is whole .*step-00000010.* new run name"):
        find_newest(tmp_path)
    assert path.is_dir()


def test_no_checkpoints_is_a_new_run(tmp_path: Path) -> None:
    assert find_newest(tmp_path / "missing").path is None


def test_prune_keeps_the_newest(tmp_path: Path) -> None:
    for step in (5, 100, 20, 9):
        save(tmp_path, step)
    prune(tmp_path, 2)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000020", "step-00000100"]


def test_a_full_disk_leaves_earlier_checkpoints(
    tmp_path: Path, file_limit: Callable[[int], None]
) -> None:
    good = save(tmp_path, 1)
    file_limit(2048)
    with pytest.raises(ModelError, match=r"step-00000002: step 2 cannot be saved .*make room"):
        save(tmp_path, 2, network(2, width=4000))
    assert read_record(good).step == 1
    assert list_checkpoints(tmp_path) == [good]
    assert not [path for path in tmp_path.iterdir() if is_temporary(path)]
