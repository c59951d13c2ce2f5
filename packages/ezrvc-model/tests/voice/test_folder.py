import shutil
from pathlib import Path

import pytest

import ezrvc_model.builtin
from ezrvc_device.configuration import load_yaml, save_yaml
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import save_untrained_voice
from ezrvc_model.voice_folder import (
    find_voices,
    resolve_voice,
    resolve_voice_of,
    summarize_voice,
)


@pytest.fixture(autouse=True)
def nothing_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own voices alone, whatever ships with this installation."""
    monkeypatch.setattr(ezrvc_model.builtin, "_FOLDER", tmp_path / "package")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two voices: `duo` (ada, grace), exported by a run, and the newer `emma`, put there."""
    models = tmp_path_factory.mktemp("voices") / "models"
    run = models / "duo"
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.yaml").write_text("train: {}\n", encoding="utf-8")
    dated(save_untrained_voice(run / "voice", ["ada", "grace"]), "2024-01-01T00:00:00+00:00")
    dated(save_untrained_voice(models / "emma", ["emma"]), "2024-02-01T00:00:00+00:00")
    return models


@pytest.fixture
def models(made_once: Path, tmp_path: Path) -> Path:
    """A copy of the two voices, to do with as the test likes."""
    return shutil.copytree(made_once, tmp_path / "models")


def dated(folder: Path, created: str) -> None:
    save_yaml(folder / "card.yaml", {**load_yaml(folder / "card.yaml"), "created": created})


def test_voices_are_found_by_their_runs_and_by_their_own_folders(models: Path) -> None:
    (models / "notes").mkdir()
    (models / ".emma.1.tmp").mkdir()
    duo, emma = find_voices(models)
    assert (duo.name, duo.folder) == ("duo", models / "duo" / "voice")
    assert duo.speakers == ("ada", "grace")
    assert duo.default_speaker == "ada"
    assert (duo.sample_rate, duo.encoder, duo.steps, duo.untrained) == (24000, "mel", 0, True)
    assert duo.n_bytes == sum(path.stat().st_size for path in duo.folder.iterdir())
    assert (emma.name, emma.folder) == ("emma", models / "emma")
    assert emma.created == "2024-02-01T00:00:00+00:00"


def test_a_folder_of_models_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert find_voices(tmp_path / "models") == []


def test_a_voice_without_a_card_is_named_by_its_folder(models: Path) -> None:
    (models / "emma" / "card.yaml").unlink()
    summary = summarize_voice(models / "emma")
    assert (summary.name, summary.steps, summary.licence) == ("emma", None, "")


@pytest.mark.parametrize(
    ("speaker", "voice", "expected"),
    [
        (None, None, ("emma", "emma")),  # the newest
        ("grace", None, ("duo", "grace")),
        ("duo", None, ("duo", "ada")),  # no speaker, but a voice
        (None, "duo", ("duo", "ada")),
        ("grace", "duo", ("duo", "grace")),
    ],
)
def test_which_voice_is_meant(
    models: Path, speaker: str | None, voice: str | None, expected: tuple[str, str]
) -> None:
    choice = resolve_voice(models, speaker=speaker, voice=voice)
    assert (choice.voice.name, choice.speaker) == expected
    assert choice.folder == choice.voice.folder


def test_a_voice_may_be_a_path(models: Path, tmp_path: Path) -> None:
    assert resolve_voice(tmp_path / "none", voice=str(models / "emma")).speaker == "emma"
    assert resolve_voice(tmp_path / "none", voice=str(models / "duo")).speaker == "ada"


def test_the_voice_called_default_comes_before_newer_ones(models: Path) -> None:
    dated(save_untrained_voice(models / "default", ["base"]), "2020-01-01T00:00:00+00:00")
    assert resolve_voice(models).speaker == "base"


def test_a_voice_named_like_the_speaker_comes_before_newer_ones(models: Path) -> None:
    dated(save_untrained_voice(models / "ada", ["ada"]), "2020-01-01T00:00:00+00:00")
    assert resolve_voice(models, speaker="ada").voice.name == "ada"


@pytest.mark.parametrize(
    ("speaker", "voice", "message"),
    [
        ("gracie", None, "unknown speaker 'gracie'; did you mean 'grace'. known: ada, emma, grace"),
        ("zzz", None, "unknown speaker 'zzz'; known: ada, emma, grace"),
        (None, "dou", "unknown voice 'dou'; did you mean 'duo'. known: duo, emma"),
        ("emma", "duo", "duo: unknown speaker 'emma'; known: ada, grace"),
    ],
)
def test_what_is_not_known_is_answered_with_what_is(
    models: Path, speaker: str | None, voice: str | None, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        resolve_voice(models, speaker=speaker, voice=voice)


def test_no_voice_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no voice here yet; make one with `ezrvc train`"):
        resolve_voice(tmp_path)


def test_a_broken_voice_is_named_and_hides_no_other(models: Path) -> None:
    (models / "emma" / "config.yaml").write_text("format_version: 9\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"emma.*format version 9"):
        find_voices(models)
    problems: list[str] = []
    assert [voice.name for voice in find_voices(models, problems)] == ["duo"]
    assert len(problems) == 1
    assert resolve_voice(models).voice.name == "duo"
    with pytest.raises(ModelError, match="format version 9"):
        resolve_voice(models, voice="emma")


def test_the_voice_that_knows_all_of_several_speakers_is_found(models: Path) -> None:
    save_untrained_voice(models / "trio", ["ada", "joan", "emma"])
    assert resolve_voice_of(models, ["ada", "grace"]).name == "duo"
    assert resolve_voice_of(models, ["emma", "ada"]).name == "trio"
    assert resolve_voice_of(models, ["grace"]).name == "duo"
    assert resolve_voice_of(models, ["ada", "nobody"], voice="duo").name == "duo"
    with pytest.raises(ModelError, match="unknown speaker 'jon'; did you mean 'joan'"):
        resolve_voice_of(models, ["ada", "jon"])
    with pytest.raises(ModelError, match="no voice knows 'joan' and 'grace' together"):
        resolve_voice_of(models, ["joan", "grace"])
