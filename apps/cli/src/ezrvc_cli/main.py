"""The command line's entry points.

Modules of commands import only click and the standard library at the top, so that `--help`
answers at once; what they work with is imported when they run.
"""

import importlib
from collections.abc import Sequence

import click

from ezrvc_cli.exit_codes import run

_COMMANDS = {
    "preprocess": "recordings in, clips and features out",
    "train": "train a voice",
    "convert": "convert recordings into a voice",
    "evaluate": "say how good conversions are",
    "voices": "list the voices at hand",
    "models": "import, describe, export, blend and compress voices",
    "doctor": "say where ezrvc runs and what is missing",
    "demo": "do it all once on sample recordings",
}


class _CommandsOnDemand(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return importlib.import_module(f"ezrvc_cli.commands.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_CommandsOnDemand,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First: ezrvc preprocess --speaker sza, then ezrvc train, then ezrvc convert in.wav",
)
@click.version_option(package_name="ezrvc-cli", prog_name="ezrvc")
def group() -> None:
    """Turn recordings of a voice into a model of it, and any speech or song into that voice."""


def main(arguments: Sequence[str] | None = None) -> None:
    """`ezrvc`: all commands."""
    run(group, arguments, program="ezrvc")


def preprocess() -> None:
    """`ezrvc-preprocess`: the same as `ezrvc preprocess`."""
    _run_one("preprocess")


def train() -> None:
    """`ezrvc-train`: the same as `ezrvc train`."""
    _run_one("train")


def convert() -> None:
    """`ezrvc-convert`: the same as `ezrvc convert`."""
    _run_one("convert")


def _run_one(name: str) -> None:
    module = importlib.import_module(f"ezrvc_cli.commands.{name}")
    run(module.command, None, program=f"ezrvc-{name}")
