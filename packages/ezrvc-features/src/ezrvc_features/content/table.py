"""The registry as a page of the documentation.

    python -m ezrvc_features.content.table packages/ezrvc-features/docs/encoders.md

writes the page anew; a test compares the page with `encoders_page()`.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from ezrvc_device.atomic import write_text
from ezrvc_device.weights import UNVERIFIED, HubSource, UrlSource
from ezrvc_features.content.entry import EncoderEntry
from ezrvc_features.content.registry import list_encoders

_INTRODUCTION = """\
# Content encoders

Made from the registry by `python -m ezrvc_features.content.table PATH`; change
`ezrvc_features/content/catalogue.py`, not this page.

`load_encoder(name)` fetches the published weights when they are first asked for;
`load_encoder(name, weights=PATH)` reads a file or folder of yours in any of the layouts below.
Either way nothing that a file carries is run, every tensor is accounted for, and the result is kept
as safetensors. In brackets: so-vits-svc's name. All listen at 16 kHz. `soft-units` is the default
and needs no download; how it is made is in [recipes/soft_units](../recipes/soft_units/README.md).
"""
_SOURCES = """\
## Where the weights come from

A revision (Hub) or SHA-256 (other addresses) was read on the pages of the source; `unverified`
means that no page states one, and that the first file seen is held to. None of these files has been
run here: that each network is the published one is shown with random weights against transformers
and torchaudio, for HuBERT-Soft against what its authors' program computed, and with real weights
for Whisper base alone.
"""
_LAYOUTS = """\
## Layouts that are read

| encoders | layouts |
| --- | --- |
| `contentvec*`, `cnhubert-large`, `spin`, `mhubert-147` | Hugging Face's folder (`config.json` \
beside safetensors or `.bin`), its weights alone, fairseq's `.pt`, Spin's `.ckpt` |
| `wavlm-base-plus` | Hugging Face's folder, its weights alone, WavLM's own `.pt` |
| `hubert-soft` | bshall's `hubert-soft-*.pt` |
| `dphubert` | DPHuBERT's own `.pth` |
| `whisper-ppg*` | OpenAI's `.pt`, Hugging Face's folder; any size under any of the names |

`contentvec256l9` and `contentvec256l12` need a checkpoint that still has its final projection.
"""


def encoders_page() -> str:
    """The whole page, in Markdown."""
    entries = list_encoders()
    encoders = _table(
        ("name", "dim", "layer", "frames/s", "licence", "size", "what"),
        (
            (
                f"`{entry.name}`",
                str(entry.dim),
                str(entry.layer),
                f"{entry.frame_rate_hz:g}",
                entry.licence,
                entry.size_text,
                entry.summary,
            )
            for entry in entries
        ),
    )
    sources = _table(
        ("name", "source", "files", "revision or SHA-256"),
        (_source_row(entry) for entry in entries if entry.downloads),
    )
    return "\n".join((_INTRODUCTION, encoders, _SOURCES, sources, _LAYOUTS))


def _source_row(entry: EncoderEntry) -> tuple[str, str, str, str]:
    places = dict.fromkeys(_place(source) for source in entry.downloads)
    files = [f"`{_file(source)}`" for source in entry.downloads]
    pins = dict.fromkeys(_pin(source) for source in entry.downloads)
    return f"`{entry.name}`", ", ".join(places), ", ".join(files), ", ".join(pins)


def _place(source: HubSource | UrlSource) -> str:
    if isinstance(source, HubSource):
        return f"[{source.repository}](https://huggingface.co/{source.repository})"
    return f"[{source.url.split('/')[2]}]({source.url})"


def _file(source: HubSource | UrlSource) -> str:
    return source.file if isinstance(source, HubSource) else source.file_name


def _pin(source: HubSource | UrlSource) -> str:
    pin = source.revision if isinstance(source, HubSource) else source.sha256
    return pin if pin == UNVERIFIED else f"`{pin}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, with a line break at its end."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page.

    Args:
        arguments: of the command line; None: those of this process.
    """
    parser = argparse.ArgumentParser(description="Write the page of the content encoders.")
    parser.add_argument("path", type=Path, help="the page")
    write_text(parser.parse_args(arguments).path, encoders_page())


if __name__ == "__main__":
    main()
