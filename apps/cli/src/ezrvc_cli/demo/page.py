"""The page that the demo leaves: one HTML file with everything inside."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from ezrvc_device.atomic import write_text

_MEDIA_TYPES = {".wav": "audio/wav", ".opus": "audio/ogg", ".png": "image/png"}


@dataclass(frozen=True)
class ConversionEntry:
    """One conversion as the page shows it.

    Attributes:
        title: what became what.
        source: the recording.
        result: its conversion.
        picture: of both.
        pitch_correlation: of the two, -1 to 1; nan where too little is voiced.
        facts: what else the page says of it, name to value.
    """

    title: str
    source: Path
    result: Path
    picture: Path
    pitch_correlation: float
    facts: dict[str, str]


def write_page(
    path: Path,
    *,
    notice: str,
    facts: dict[str, str],
    target: Path,
    conversions: Sequence[ConversionEntry],
    training_picture: Path,
) -> None:
    """Write the page; sounds and pictures are inside it, so that it can be sent as it is."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["inline"] = inline
    template = environment.from_string(
        (files("ezrvc_cli.demo") / "page.html.j2").read_text(encoding="utf-8")
    )
    write_text(
        path,
        template.render(
            notice=notice,
            facts=facts,
            target=target,
            conversions=conversions,
            training_picture=training_picture,
        ),
    )


def inline(path: Path) -> str:
    """A file as a data URI."""
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_MEDIA_TYPES[path.suffix]};base64,{content}"
