"""`infra/uv/uv.sh` finds uv or installs it inside the project, shown with stand-ins for Python."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ["sh", "dirname", "mkdir", "rm", "cat", "chmod"]
UV = '#!/bin/sh\necho "{name} was given $*"\n'
PYTHON = """\
#!/bin/sh
# as `python -m venv FOLDER` and `python -m pip install ... [--target FOLDER] uv` where they work
put_uv() {{
    mkdir -p "$1"
    printf '#!/bin/sh\\necho "%s was given $*"\\n' "$2" > "$1/uv"
    chmod +x "$1/uv"
}}
case "$*" in
    --version) ;;
    "-m venv "*)
        {venv}
        mkdir -p "$3/bin"
        cat "$0" > "$3/bin/python"
        chmod +x "$3/bin/python" ;;
    *--target*)
        {pip}
        while [ "$1" != --target ]; do shift; done
        put_uv "$2/bin" "pip's uv" ;;
    *)
        {pip}
        put_uv "$(dirname "$0")" "the environment's uv" ;;
esac
"""
REFUSES = 'echo "no module of that name" >&2; exit 1'


class Machine:
    """A project folder and a PATH that holds only what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "a project"
        self.path = folder / "bin"
        self.path.mkdir()
        script = self.project / "infra" / "uv" / "uv.sh"
        script.parent.mkdir(parents=True)
        shutil.copy(ROOT / "infra" / "uv" / "uv.sh", script)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.path / tool).symlink_to(found)

    def put(self, name: str, content: str) -> None:
        program = self.path / name
        program.write_text(content, encoding="utf-8")
        program.chmod(0o755)

    def uv(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", str(self.project / "infra" / "uv" / "uv.sh"), *arguments],
            env={"PATH": str(self.path)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_uv_on_path_is_used(machine: Machine) -> None:
    machine.put("uv", UV.format(name="PATH's uv"))
    assert machine.uv("run", "a b").stdout == "PATH's uv was given run a b\n"
    assert not (machine.project / ".tools").exists()


def test_without_uv_it_comes_into_an_environment_once(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(venv="", pip=""))
    first = machine.uv("sync")
    assert first.stdout == "the environment's uv was given sync\n", first.stderr
    assert "installing" in first.stderr
    again = machine.uv("sync")
    assert (again.stdout, again.stderr) == (first.stdout, "")


def test_a_uv_that_does_not_start_counts_as_none(machine: Machine) -> None:
    machine.put("uv", '#!/bin/sh\necho "no such version" >&2\nexit 127\n')
    machine.put("python", PYTHON.format(venv="", pip=""))
    assert machine.uv("sync").stdout == "the environment's uv was given sync\n"


def test_without_environments_it_comes_by_pip(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(venv=REFUSES, pip=""))
    assert machine.uv("lock", "--check").stdout == "pip's uv was given lock --check\n"


@pytest.mark.parametrize("has_python", [True, False])
def test_where_nothing_helps_one_line_says_what_to_install(
    machine: Machine, has_python: bool
) -> None:
    if has_python:
        machine.put("python3", PYTHON.format(venv=REFUSES, pip=REFUSES))
    failed = machine.uv("sync")
    assert failed.returncode == 1
    (line,) = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
    assert "https://docs.astral.sh/uv/" in line
    assert ("install.log" in line) == has_python
    assert ("Python 3.11" in line) != has_python
