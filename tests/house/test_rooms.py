"""The house rules that no linter knows: sizes of files, names of rooms, what each package has."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(path.parent for path in ROOT.glob("*/*/pyproject.toml"))
LINE_BUDGET = 400
BINARY = {".opus", ".safetensors", ".npz", ".png"}
NAMELESS = {"utils", "util", "common", "helpers", "helper", "misc"}


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).exists()]


def test_there_are_packages_to_check() -> None:
    assert {path.name for path in PACKAGES} >= {
        "ezrvc-device", "ezrvc-audio", "ezrvc-features", "ezrvc-model", "cli"
    }  # fmt: skip


def test_files_keep_to_their_budget_of_lines() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in tracked("*.py", "*.pyi")}
    assert lengths
    assert {str(path): n for path, n in lengths.items() if n > LINE_BUDGET} == {}


def test_every_room_has_a_name_of_its_own() -> None:
    nameless = [path for path in tracked() if NAMELESS & {*path.parts, path.stem}]
    assert nameless == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_is_complete(package: Path) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    module = package / "src" / project["name"].replace("-", "_")
    assert (module / "py.typed").is_file()
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert list((package / "tests").glob("**/test_*.py"))
    changes = (package / "CHANGELOG.md").read_text("utf-8")
    assert f"## {project['version']}" in changes
    assert "```python" in (package / "README.md").read_text("utf-8") or package.name == "cli"


def test_no_file_speaks_of_the_machine_it_was_written_on() -> None:
    place = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/\w")
    offenders: list[str] = []
    for path in tracked():
        if path.suffix in BINARY or path == Path(__file__):
            continue
        text = path.read_text("utf-8", errors="ignore")
        offenders += [f"{path}: {match[0]}" for match in place.finditer(text)]
    assert offenders == []


def test_the_checkout_stays_small() -> None:
    total = sum(path.stat().st_size for path in tracked())
    assert total < 45_000_000
