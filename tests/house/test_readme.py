"""The README names only targets, commands, options and paths that exist."""

import re
import shlex
from pathlib import Path

import click
import pytest

from ezrvc_cli.main import group

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
LINES = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.split("#")[0].strip()
]
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_there_are_commands_to_check() -> None:
    assert len(LINES) >= 8


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_make_targets_exist(line: str) -> None:
    assert line.split()[1] in TARGETS


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("uv run ")])
def test_commands_are_understood(line: str) -> None:
    program, *arguments = shlex.split(line.removeprefix("uv run "))
    if program != "ezrvc":
        arguments = [program.removeprefix("ezrvc-"), *arguments]
    command = group.get_command(click.Context(group), arguments[0])
    assert command is not None
    command.make_context(arguments[0], arguments[1:])  # parses, runs nothing


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_targets_named_in_the_text_exist() -> None:
    listed = re.search(r"lists the other targets: (.*)\.", README)
    assert listed is not None
    assert set(re.findall(r"`([a-z-]+)`", listed[1])) <= TARGETS
