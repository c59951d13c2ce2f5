"""Which kind of place this is: somebody's own machine, a Colab notebook, or a container."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

EnvironmentKind = Literal["local", "colab", "container"]

_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_CONTAINER_VARIABLES = ("KUBERNETES_SERVICE_HOST", "container")
_FIRST_PROCESS_CGROUPS = Path("/proc/1/cgroup")
_CONTAINER_CGROUPS = ("docker", "containerd", "kubepods", "libpod", "lxc")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What the host is, as far as ezrvc cares."""

    kind: EnvironmentKind
    """`local` unless the host is a Colab notebook or a container."""
    operating_system: str
    """`Linux`, `Darwin` or `Windows`."""
    operating_system_version: str
    """The release as the system gives it: a kernel version on Linux, `15.1` on macOS."""
    machine: str
    """Processor family, `x86_64`, `arm64`, `aarch64`."""
    python_version: str
    """`3.12.4`."""


def detect_environment() -> Environment:
    """Say where this process runs. Cheap: reads variables and a few small files."""
    system = platform.system()
    return Environment(
        kind=_kind(),
        operating_system=system,
        operating_system_version=platform.mac_ver()[0]
        if system == "Darwin"
        else platform.release(),
        machine=platform.machine(),
        python_version=platform.python_version(),
    )


def _kind() -> EnvironmentKind:
    # A Colab notebook runs inside a container, so it is asked for first.
    if "COLAB_RELEASE_TAG" in os.environ or "COLAB_BACKEND_VERSION" in os.environ:
        return "colab"
    if any(mark.exists() for mark in _CONTAINER_MARKS):
        return "container"
    if any(os.environ.get(variable) for variable in _CONTAINER_VARIABLES):
        return "container"
    groups = _first_process_cgroups()
    if any(name in groups for name in _CONTAINER_CGROUPS):
        return "container"
    return "local"


def _first_process_cgroups() -> str:
    """The control groups of the first process; empty where the system has none."""
    try:
        return _FIRST_PROCESS_CGROUPS.read_text(encoding="utf-8")
    except OSError:
        return ""
