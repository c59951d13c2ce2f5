"""Watching, planning and fine-tuning from the command line."""

import csv
import shutil
from pathlib import Path

import pytest
import soundfile
from PIL import Image

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_cli.main import main
from ezrvc_cli.testing import SMALL_VOICE, Command, check_one_clear_line
from ezrvc_model.voice import VoiceModel


@pytest.fixture(scope="module")
def prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with recordings of ada and grace, ada prepared last."""
    home = tmp_path_factory.mktemp("prepared")
    config = home / "small.yaml"
    config.write_text(SMALL_VOICE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOME": str(home), "DEVICE": "cpu", "OFFLINE": "1"}.items():
            patch.setenv(f"EZRVC_{name}", value)
        for seed, speaker in enumerate(("grace", "ada")):
            for take in range(2):
                path = home / "data" / "raw" / speaker / f"take{take}.wav"
                write(path, speech_like(4.0, 24000, seed=10 * seed + take))
            with pytest.raises(SystemExit) as stop:
                main(
                    [
                        "preprocess",
                        "--speaker",
                        speaker,
                        "--preset",
                        "tiny",
                        "--config",
                        str(config),
                    ]
                )
            assert not stop.value.code
    return home / "data"


@pytest.fixture
def prepared(home: Path, prepared_once: Path) -> Path:
    """A home of its own with that data."""
    shutil.copytree(prepared_once, home / "data")
    return home


def test_a_run_can_be_heard_seen_and_asked(prepared: Path, ezrvc: Command) -> None:
    assert ezrvc("train", "--set", "train.validate_every=1").code == 0
    run = prepared / "models" / "ada"
    recorded = sorted((run / "validation" / "recorded").iterdir())
    assert recorded
    for path in recorded:
        for step in ("step-00000001", "step-00000002"):
            made = run / "validation" / step / path.name
            assert soundfile.info(made).samplerate == 24000
            assert soundfile.info(made).frames <= soundfile.info(path).frames
            with Image.open(made.with_suffix(".png")) as picture:
                assert picture.format == "PNG"
    with Image.open(run / "curves.png") as picture:
        assert picture.width > 500

    status = ezrvc("train", "status", "--json").json
    assert (status["step"], status["max_steps"], status["running"]) == (2, 2, False)
    assert status["finished"]
    assert status["checkpoint"] == str(run / "checkpoints" / "step-00000002")
    assert status["losses"].keys() >= {"generator/mel", "validation/mel"}
    assert status["best"]["step"] in (1, 2)
    lines = ezrvc("train", "status", "ada").out
    assert "state       finished" in lines
    assert "step        2 of 2" in lines
    check_one_clear_line(ezrvc("train", "status", "nobody"), "nobody: no run here", "ezrvc train")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(prepared: Path, ezrvc: Command) -> None:
    plan = ezrvc("train", "--dry-run", "--set", "train.batch_size=auto", "--json")
    assert plan.code == 0, plan.err
    assert plan.json["run"] == str(prepared / "models" / "ada")
    assert plan.json["batch_size"] == min(8, plan.json["clips"])
    assert plan.json["parameters"]["generator"] > 1000
    assert plan.json["steps_per_s"] > 0
    assert plan.json["seconds"] == pytest.approx(2 / plan.json["steps_per_s"])
    assert plan.json["beginning"].startswith("starts from nothing: ")
    lines = ezrvc("train", "--dry-run", "--base", "none").out
    assert "beginning   starts from nothing, as asked for" in lines
    assert "nothing was written" in lines
    assert "batch       2 clips a step" in lines
    assert not (prepared / "models").exists()


def test_fine_tuning_reports_what_was_taken(prepared: Path, ezrvc: Command) -> None:
    assert ezrvc("train", "grace").code == 0
    planned = ezrvc("train", "ada", "--base", "grace", "--dry-run")
    assert planned.code == 0, planned.err
    finished = ezrvc("train", "ada", "--base", "grace")
    assert finished.code == 0, finished.err
    assert "starts from grace, as asked for" in finished.err
    for out in (planned.out, finished.out):
        assert "generator/posterior_encoder" in out
        assert "base        from grace, step 2: 100% of the generator" in out
        assert "speaker     ada: the only speaker of the base" in out
    with (prepared / "models" / "ada" / "base.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["fate"] for row in csv.DictReader(stream) if row["what"] == "generator"} == {
            "taken"
        }
    voice = VoiceModel.load(prepared / "models" / "ada" / "voice")
    assert dict(voice.speakers) == {"ada": 0, "grace": 1}
    assert voice.card.origin.note == "fine-tuned from grace, step 2"
    check_one_clear_line(
        ezrvc("train", "--run", "new", "--base", "grave"), "unknown base 'grave'", "'grace'"
    )


def test_an_unknown_metric_is_refused_before_training(prepared: Path, ezrvc: Command) -> None:
    check_one_clear_line(ezrvc("train", "--measure", "f0_rsme"), "'f0_rsme'", "f0_rmse")
    assert not (prepared / "models").exists()


def test_help_names_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", "--help"])
    assert stop.value.code == 0
    assert "train status" in capsys.readouterr().out
