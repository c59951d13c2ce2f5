"""The voice that ships, and in which order voices are found."""

from pathlib import Path

import pytest

import ezrvc_model.builtin
from ezrvc_model.builtin import BASE, built_in_voice
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import save_untrained_voice
from ezrvc_model.voice_folder import resolve_voice, resolve_voice_of, voices_at_hand


@pytest.fixture
def built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the voice that ships."""
    monkeypatch.setattr(ezrvc_model.builtin, "_FOLDER", tmp_path / "package")
    return save_untrained_voice(tmp_path / "package" / BASE, ["willow", "rowan"])


def test_with_no_other_voice_the_built_in_one_is_taken(built_in: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    chosen = resolve_voice(models)
    assert (chosen.folder, chosen.speaker, chosen.voice.built_in) == (built_in, "willow", True)
    assert resolve_voice(models, "rowan").speaker == "rowan"
    assert resolve_voice(models, voice="base").folder == built_in
    assert resolve_voice_of(models, ["rowan", "willow"]).folder == built_in
    assert built_in_voice("base") == built_in
    with pytest.raises(ModelError, match=r"no built-in voice 'bass'.*built in: base"):
        built_in_voice("bass")


def test_the_users_own_voices_come_first(built_in: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    own = save_untrained_voice(models / "ada", ["ada"])
    assert resolve_voice(models).folder == own
    assert resolve_voice(models, "willow").folder == built_in
    same = save_untrained_voice(models / "mine", ["willow"])
    assert resolve_voice(models, "willow").folder == same
    hiding = save_untrained_voice(models / "base", ["grace"])
    assert resolve_voice(models, voice="base").folder == hiding
    assert [each.built_in for each in voices_at_hand(models)] == [False, False, False, True]
    with pytest.raises(ModelError, match=r"unknown speaker 'gracy'; did you mean 'grace'\?"):
        resolve_voice(models, "gracy")


def test_a_damaged_voice_of_the_user_is_not_passed_over_in_silence(
    built_in: Path, tmp_path: Path
) -> None:
    own = save_untrained_voice(tmp_path / "models" / "ada", ["ada"])
    (own / "config.yaml").write_text("speakers: 3", encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.yaml"):
        resolve_voice(tmp_path / "models")
    assert resolve_voice(tmp_path / "models", "willow").folder == built_in
