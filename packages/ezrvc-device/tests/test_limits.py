"""Memory, processors and what a container may use of them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from ezrvc_device import container_limits, memory, processors
from ezrvc_device.errors import DeviceError
from ezrvc_device.memory import bound_kept_kernels, host_memory, memory_status
from ezrvc_device.processors import limit_threads, processor_count, worker_count


def _write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


def test_limits_of_control_groups_version_2(tmp_path: Path) -> None:
    _write(
        tmp_path,
        cpu_dot_max="150000 100000\n",
        memory_dot_max="1073741824\n",
        memory_dot_current="700\n",
        memory_dot_stat="anon 300\ninactive_file 400\n",
    )
    assert container_limits.cpu_limit(tmp_path) == 1.5
    assert container_limits.memory_limit(tmp_path) == 2**30
    assert container_limits.memory_usage(tmp_path) == 300


def test_limits_of_control_groups_version_1(tmp_path: Path) -> None:
    _write(
        tmp_path,
        cpu__cpu_dot_cfs_quota_us="200000\n",
        cpu__cpu_dot_cfs_period_us="100000\n",
        memory__memory_dot_limit_in_bytes="1000000\n",
        memory__memory_dot_usage_in_bytes="500\n",
        memory__memory_dot_stat="cache 9\ntotal_inactive_file 100\n",
    )
    assert container_limits.cpu_limit(tmp_path) == 2.0
    assert container_limits.memory_limit(tmp_path) == 1_000_000
    assert container_limits.memory_usage(tmp_path) == 400


def test_no_limits(tmp_path: Path) -> None:
    assert container_limits.cpu_limit(tmp_path) is None
    assert container_limits.memory_limit(tmp_path) is None
    assert container_limits.memory_usage(tmp_path) is None
    _write(tmp_path, cpu_dot_max="max 100000\n", memory_dot_max="max\n")
    assert container_limits.cpu_limit(tmp_path) is None
    assert container_limits.memory_limit(tmp_path) is None
    version_1 = tmp_path / "version 1"
    _write(
        version_1,
        cpu__cpu_dot_cfs_quota_us="-1\n",
        cpu__cpu_dot_cfs_period_us="100000\n",
        memory__memory_dot_limit_in_bytes="9223372036854771712\n",
    )
    assert container_limits.cpu_limit(version_1) is None
    assert container_limits.memory_limit(version_1) is None


@pytest.mark.parametrize(("limit", "expected"), [(None, 8), (2.5, 3), (0.2, 1), (64.0, 8)])
def test_a_containers_share_counts(
    monkeypatch: pytest.MonkeyPatch, limit: float | None, expected: int
) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(container_limits, "cpu_limit", lambda: limit)
    assert processor_count() == expected


def test_workers_are_as_many_as_processors_unless_asked() -> None:
    assert worker_count() == processor_count() >= 1
    assert worker_count(5) == 5
    with pytest.raises(DeviceError, match="workers = 0: at least 1"):
        worker_count(0)


def test_threads_are_limited_here_and_in_processes_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in processors._THREAD_VARIABLES:
        monkeypatch.setenv(variable, "7")
    before = torch.get_num_threads()
    try:
        limit_threads(3)
        assert torch.get_num_threads() == 3
        told = subprocess.run(
            [sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == "3"
    finally:
        torch.set_num_threads(before)
    with pytest.raises(DeviceError, match="threads = 0: at least 1"):
        limit_threads(0)


def test_memory_of_this_process_and_host() -> None:
    status = memory_status()
    assert 0 < status.host_free <= status.host_total <= psutil.virtual_memory().total
    assert (status.free, status.total) == (status.host_free, status.host_total)
    ballast = bytearray(64 * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert memory_status(torch.device("cpu")).process_resident > status.process_resident + 2**25


def test_a_containers_memory_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_limits, "memory_limit", lambda: 2**24)
    monkeypatch.setattr(container_limits, "memory_usage", lambda: 2**23)
    assert host_memory() == memory.HostMemory(free=2**23, total=2**24)
    monkeypatch.setattr(container_limits, "memory_usage", lambda: 2**25)
    assert host_memory().free == 0


def test_memory_of_a_gpu_is_what_its_driver_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def cuda(_: Any) -> tuple[int, int]:
        return 3, 8

    monkeypatch.setattr(torch.cuda, "mem_get_info", cuda)
    status = memory_status(torch.device("cuda:0"))
    assert (status.free, status.total) == (3, 8)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 10)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 4)
    status = memory_status(torch.device("mps"))
    assert (status.free, status.total) == (6, 10)
    assert status.host_total > 10


def test_kept_kernels_are_bounded_where_the_user_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    monkeypatch.setattr(os, "environ", os.environ.copy())  # what is set here ends with the test
    bound_kept_kernels()
    assert 0 < int(os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]) < 1024
    os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "7"
    bound_kept_kernels()
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "7"
