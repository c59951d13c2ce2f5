"""Into what recordings are converted, and how high, when nobody says."""

from pathlib import Path

import pytest

import ezrvc_model.builtin
from ezrvc_cli.pipeline.convert import choose_target
from ezrvc_model.testing import save_untrained_voice


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A voice of one's own beside a stand-in for the one that ships."""
    monkeypatch.setattr(ezrvc_model.builtin, "_FOLDER", tmp_path / "package")
    save_untrained_voice(tmp_path / "package" / "base", ["willow", "rowan"])
    save_untrained_voice(tmp_path / "models" / "ada", ["ada", "grace"])
    return tmp_path / "models"


@pytest.mark.parametrize(
    ("speaker", "pitch"),
    [
        (None, 0.0),  # one's own voice comes first
        ("ada", 0.0),
        ("ada:1,grace:1", 0.0),
        ("willow", "auto"),
        ("willow:0.5,rowan:0.5", "auto"),
    ],
)
def test_speakers_that_ship_are_met_at_their_height(
    models: Path, speaker: str | None, pitch: float | str
) -> None:
    assert choose_target(models, speaker=speaker).customary_pitch == pitch


def test_a_mix_that_changes_has_no_height(models: Path, tmp_path: Path) -> None:
    curve = tmp_path / "curve.csv"
    curve.write_text("time_s,speaker,weight\n0,willow,1\n0,rowan,0\n2,willow,0\n2,rowan,1\n")
    assert choose_target(models, curve=curve).customary_pitch == 0.0


def test_where_there_is_no_other_voice_the_one_that_ships_is_taken(
    models: Path, tmp_path: Path
) -> None:
    chosen = choose_target(tmp_path / "empty")
    assert (chosen.label, chosen.built_in, chosen.customary_pitch) == ("willow", True, "auto")
