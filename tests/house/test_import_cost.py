"""What importing and `--help` cost, and that every public name is really there."""

import importlib
import json
import resource
import subprocess
import sys

import pytest

PACKAGES = [
    "ezrvc_device", "ezrvc_audio", "ezrvc_features", "ezrvc_model", "ezrvc_eval", "ezrvc_cli",
]  # fmt: skip
HEAVY = ["torch", "numpy", "transformers", "scipy", "librosa"]
HELP_BUDGET_S = 0.3


def modules_after(code: str) -> set[str]:
    program = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(finished.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["preprocess", "--help"], ["--version"]])
def test_help_needs_neither_torch_nor_numpy(arguments: list[str]) -> None:
    code = (
        "from ezrvc_cli.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as stop: assert not stop.code"
    )
    assert modules_after(code).isdisjoint(HEAVY)


def test_help_answers_at_once() -> None:
    command = [sys.executable, "-c", "from ezrvc_cli.main import main; main(['--help'])"]
    spent = min(_processor_seconds(command) for _ in range(5))
    assert spent < HELP_BUDGET_S


@pytest.mark.parametrize("package", ["ezrvc_features", "ezrvc_model", "ezrvc_eval"])
def test_the_heavy_packages_import_lazily(package: str) -> None:
    assert modules_after(f"import {package}").isdisjoint({"torch", "transformers"})


@pytest.mark.parametrize("package", ["ezrvc_device", "ezrvc_audio"])
def test_the_light_packages_never_import_torch(package: str) -> None:
    assert "torch" not in modules_after(f"import {package}")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_exists(package: str) -> None:
    module = importlib.import_module(package)
    for name in getattr(module, "__all__", []):
        assert getattr(module, name) is not None


def _processor_seconds(command: list[str]) -> float:
    """What the command itself costs; other processes of the machine do not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
