"""The README's example runs; every public name is there; importing is cheap."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ezrvc_eval

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = EXAMPLES
    names: dict[str, object] = {}
    exec(compile(example, str(README), "exec"), names)
    assert (tmp_path / "evaluation" / "report.html").is_file()
    summary = getattr(names["evaluation"], "summary", {})
    assert 90 < summary["f0_shift"].value < 110


def test_every_public_name_exists() -> None:
    assert ezrvc_eval.__all__
    for name in ezrvc_eval.__all__:
        assert getattr(ezrvc_eval, name) is not None


@pytest.mark.parametrize("name", ["list_metrics", "Requirement", "read_test_list"])
def test_describing_metrics_needs_no_torch(name: str) -> None:
    program = f"import sys; from ezrvc_eval import {name}; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
