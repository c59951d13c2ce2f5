"""The page about pitch speaks of every method, with its range, and holds what was measured."""

import re
from pathlib import Path

import pytest

from ezrvc_features.config import F0Config
from ezrvc_features.f0.correction import F0Correction
from ezrvc_features.f0.registry import list_f0_estimators, load_f0_estimator

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "f0.md").read_text("utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]


def test_every_method_is_described() -> None:
    described = [row[0].strip("|` ") for row in ROWS if "–" in row[2]]
    assert sorted(described) == sorted(list_f0_estimators())
    (default,) = [row[0].strip("|` ") for row in ROWS if "the default" in row[1]]
    assert default == F0Config().method


@pytest.mark.parametrize("name", [name for name in list_f0_estimators() if name != "rmvpe"])
def test_ranges_are_those_of_the_methods(name: str) -> None:
    (stated,) = [row[2] for row in ROWS if row[0] == f"| `{name}`" and "–" in row[2]]
    low_hz, high_hz = load_f0_estimator(name, min_hz=1.0, max_hz=20000.0, device="cpu").range_hz
    assert stated == f"{low_hz:.0f}–{high_hz:.0f}"


def test_every_method_was_measured_or_says_what_it_needs() -> None:
    measured = PAGE.split("<!-- measured -->")[1]
    first = measured.split("Raw pitch accuracy by condition")[0]
    names = re.findall(r"^\| `([\w-]+)` \|", first, re.MULTILINE)
    assert sorted(names) == sorted(list_f0_estimators())
    assert first.count("needs its download") == ("`rmvpe` | needs its download" in first)
    assert "ensemble:swift-f0,fcpe,pm" in first


def test_the_plot_is_there() -> None:
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE)
    assert "<svg" in (DOCS / picture).read_text("utf-8")
    assert (DOCS / picture).stat().st_size < 200_000


def test_the_rows_of_the_example_can_be_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```\n(time_s.*?)```", PAGE, re.DOTALL)
    (tmp_path / "pitch.csv").write_text(example, encoding="utf-8")
    assert F0Correction.read(tmp_path / "pitch.csv").hz.tolist() == [220.0, 221.5, 0.0]
