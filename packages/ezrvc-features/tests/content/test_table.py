"""The page of the encoders is the registry."""

from pathlib import Path

import pytest

from ezrvc_features.content.entry import EncoderEntry
from ezrvc_features.content.registry import list_encoders
from ezrvc_features.content.table import encoders_page, main

PAGE = Path(__file__).parents[2] / "docs" / "encoders.md"


def test_the_page_is_what_the_registry_makes() -> None:
    """If this fails: `python -m ezrvc_features.content.table docs/encoders.md`."""
    assert PAGE.read_text("utf-8") == encoders_page()


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    main([str(tmp_path / "page.md")])
    assert (tmp_path / "page.md").read_text("utf-8") == encoders_page()


@pytest.mark.parametrize("entry", list_encoders(), ids=lambda entry: entry.name)
def test_every_encoder_has_its_row(entry: EncoderEntry) -> None:
    row = next(
        line for line in encoders_page().splitlines() if line.startswith(f"| `{entry.name}`")
    )
    assert row.split(" | ")[1:4] == [str(entry.dim), str(entry.layer), "50"]
    assert entry.licence in row
