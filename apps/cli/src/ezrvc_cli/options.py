"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON object."
)

device_option: Decorator = click.option(
    "--device",
    metavar="NAME",
    default=None,
    help="auto, cpu, cuda, cuda:1 or mps  [default: EZRVC_DEVICE, else the best there is]",
)

workers_option: Decorator = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Worker processes  [default: as the processor allows]",
)

config_option: Decorator = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=str),
    default=None,
    help="A YAML file with settings.",
)


def set_option(example: str) -> Decorator:
    """`--set`, explained by a setting of the command at hand."""
    return click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="SECTION.KEY=VALUE" if "." in example.partition("=")[0] else "KEY=VALUE",
        help=f"One setting, e.g. {example}; may be given several times.",
    )


class PitchShift(click.ParamType):
    """Semitones, or `auto`."""

    name = "semitones"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """The number, or the word as it is."""
        if value == "auto":
            return value
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number of semitones nor auto", param, ctx)
