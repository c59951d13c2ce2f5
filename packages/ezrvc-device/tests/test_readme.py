import re
from pathlib import Path

import pytest

_README = Path(__file__).parents[1] / "README.md"
_EXAMPLES = re.findall(r"```python\n(.*?)```", _README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", _EXAMPLES)
def test_an_example_of_the_readme_runs(
    example: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    exec(compile(example, str(_README), "exec"), {})
    assert capsys.readouterr().out.count("\n") == 2


def test_the_modules_of_the_readme_are_those_there_are() -> None:
    named = set(re.findall(r"^\| (`[a-z_`, ]+`) \|", _README.read_text(encoding="utf-8"), re.M))
    modules = {name for names in named for name in re.findall(r"`([a-z_]+)`", names)}
    package = _README.parent / "src" / "ezrvc_device"
    there = {path.stem for path in package.iterdir() if path.suffix in ("", ".py")}
    assert modules == there - {"__init__", "__pycache__", "container_limits", "errors"}
