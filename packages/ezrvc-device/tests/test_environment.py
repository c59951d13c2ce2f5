import platform
import subprocess
import sys
from pathlib import Path

import pytest

from ezrvc_device import environment
from ezrvc_device.environment import detect_environment


@pytest.fixture(autouse=True)
def bare_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host without any mark of a container."""
    monkeypatch.setattr(environment, "_CONTAINER_MARKS", (tmp_path / "mark",))
    monkeypatch.setattr(environment, "_FIRST_PROCESS_CGROUPS", tmp_path / "cgroup")
    for variable in environment._CONTAINER_VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def test_a_bare_host_is_local() -> None:
    found = detect_environment()
    assert found.kind == "local"
    assert found.python_version == ".".join(map(str, sys.version_info[:3]))
    assert found.operating_system == platform.system()
    assert found.machine == platform.machine()
    assert found.operating_system_version


@pytest.mark.parametrize("variable", ["COLAB_RELEASE_TAG", "COLAB_BACKEND_VERSION"])
def test_colab_is_colab_though_it_is_a_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    (tmp_path / "mark").touch()
    monkeypatch.setenv(variable, "release-colab_20250101")
    assert detect_environment().kind == "colab"


@pytest.mark.parametrize("variable", ["KUBERNETES_SERVICE_HOST", "container"])
def test_a_container_is_known_by_its_variables(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "podman")
    assert detect_environment().kind == "container"


def test_a_container_is_known_by_its_mark(tmp_path: Path) -> None:
    (tmp_path / "mark").touch()
    assert detect_environment().kind == "container"


@pytest.mark.parametrize(
    ("groups", "kind"),
    [
        ("12:memory:/docker/6f3a\n", "container"),
        ("0::/kubepods/besteffort/pod1\n", "container"),
        ("0::/init.scope\n", "local"),
    ],
)
def test_a_container_is_known_by_its_control_group(tmp_path: Path, groups: str, kind: str) -> None:
    (tmp_path / "cgroup").write_text(groups, encoding="utf-8")
    assert detect_environment().kind == kind


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "torch numpy pydantic ruamel httpx httpx2 huggingface_hub psutil platformdirs"
    code = (
        "import sys, ezrvc_device\n"
        f"found = [name for name in {heavy!r}.split() if name in sys.modules]\n"
        "print(*found)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("\n", "")


def test_every_public_name_is_there() -> None:
    import ezrvc_device

    missing = [name for name in ezrvc_device.__all__ if not hasattr(ezrvc_device, name)]
    assert missing == []
    assert len(set(ezrvc_device.__all__)) == len(ezrvc_device.__all__)
