"""The package as it is met first: its import, its names, its README."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ezrvc_features

README = Path(__file__).parents[1] / "README.md"


def test_importing_is_cheap() -> None:
    program = (
        "import sys, ezrvc_features, ezrvc_features.config\n"
        "print(sorted({'torch', 'transformers', 'librosa'} & set(sys.modules)))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(ezrvc_features.__all__))
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ezrvc_features, name) is not None


def test_the_example_of_the_readme_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    exec(compile(example, str(README), "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "content (80, 100)",
        "pitch (172,) volume (172,)",
    ]


def test_the_encoders_of_the_readme_are_there() -> None:
    listed = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", README.read_text("utf-8"), re.MULTILINE)
    entries = {entry.name: entry.dim for entry in ezrvc_features.list_encoders()}
    assert len(listed) >= 10
    assert {name: int(dim) for name, dim in listed}.items() <= entries.items()
