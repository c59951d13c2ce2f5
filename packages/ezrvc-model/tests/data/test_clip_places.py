"""Clips are the same wherever they lie; the place is the fastest that holds them."""

import dataclasses
import logging
from pathlib import Path

import pytest
import torch

from ezrvc_device.memory import MemoryStatus
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.data import clip_places
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.clip_places import InFile, InMemory, OnDevice, choose_place

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
MIB = 2**20


def clip(seed: int, n_frames: int = 7) -> TrainingClip:
    generator = torch.Generator().manual_seed(seed)
    features = UtteranceFeatures(
        content=torch.randn(3, n_frames, generator=generator).half(),
        f0=torch.rand(n_frames, generator=generator),
        voiced=torch.ones(n_frames),
        volume=torch.rand(n_frames, generator=generator),
    )
    return TrainingClip("1.wav", 0, features, torch.randn(n_frames * 5, generator=generator))


def test_clips_in_a_file_are_those_that_were_put_there(tmp_path: Path) -> None:
    place = InFile(tmp_path / "run")
    before = [clip(seed, 5 + seed) for seed in range(4)]
    after = [place.keep(each) for each in before]
    for one, other in zip(before, after, strict=True):
        assert other.tensors().keys() == one.tensors().keys()
        for name, tensor in one.tensors().items():
            assert torch.equal(other.tensors()[name], tensor)
            assert other.tensors()[name].data_ptr() != tensor.data_ptr()
    assert list((tmp_path / "run").iterdir()) == []  # nothing is left, however the process ends


def test_a_clip_in_memory_is_the_clip() -> None:
    one = clip(0)
    assert InMemory().keep(one) is one
    moved = OnDevice(CPU).keep(one)
    assert all(torch.equal(moved.tensors()[name], t) for name, t in one.tensors().items())


@pytest.mark.parametrize(
    ("n_mib", "device", "n_sharing", "expected"),
    [
        (20, CUDA, 1, OnDevice),
        (30, CUDA, 1, InMemory),  # a quarter of 100 MiB is too little
        (99, CPU, 1, InMemory),
        (101, CPU, 1, InFile),
        (60, CPU, 2, InFile),  # two processes, each with half of the half
    ],
)
def test_the_place_is_measured_and_said(
    n_mib: int,
    device: torch.device,
    n_sharing: int,
    expected: type,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    status = MemoryStatus(
        free=100 * MIB,
        total=100 * MIB,
        host_free=200 * MIB,
        host_total=400 * MIB,
        process_resident=MIB,
    )
    monkeypatch.setattr(clip_places, "memory_status", lambda device: status)
    with caplog.at_level(logging.INFO):
        place = choose_place(n_mib * MIB, device, tmp_path, n_sharing=n_sharing)
    assert type(place) is expected
    assert f"about {n_mib:.1f} MiB" in caplog.text
    assert place.name in caplog.text


def test_pitch_augmentation_keeps_clips_off_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plenty = MemoryStatus(
        free=100 * MIB, total=100 * MIB, host_free=MIB * 99, host_total=MIB * 99, process_resident=1
    )
    monkeypatch.setattr(clip_places, "memory_status", lambda device: plenty)
    assert isinstance(choose_place(MIB, CUDA, tmp_path, on_device=False), InMemory)


def test_bytes_count_every_tensor() -> None:
    assert clip(0).n_bytes == 2 * 21 + 4 * (3 * 7 + 35)
    assert dataclasses.replace(clip(0), audio=torch.zeros(0)).n_bytes == 2 * 21 + 4 * 21
