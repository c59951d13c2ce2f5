"""The whole path a user walks: preprocess, train, convert; then again, and nothing is redone."""

import json
from pathlib import Path

import pytest
import soundfile

from ezrvc_audio.testing import speech_like, write_corpus
from ezrvc_audio.writing import write
from ezrvc_cli.testing import Command


@pytest.fixture
def trained(home: Path, ezrvc: Command, small_voice: Path) -> Path:
    """A home with the voice `ada`, trained for two steps."""
    write_corpus(home / "data" / "raw", ["ada"], n_recordings=3, duration_s=5.0, sample_rate=24000)
    prepared = ezrvc("preprocess", "--speaker", "ada", "--preset", "tiny", "--config", small_voice)
    assert prepared.code == 0, prepared.err
    trained = ezrvc("train")
    assert trained.code == 0, trained.err
    assert "'ada'" in trained.out
    return home


def test_preprocess_leaves_what_the_contract_says(trained: Path) -> None:
    experiment = trained / "data" / "processed" / "ada"
    lines = (experiment / "manifest.jsonl").read_text("utf-8").splitlines()
    clips = [json.loads(line) for line in lines]
    assert clips
    for clip in clips:
        assert set(clip) == {"path", "speaker", "source", "start_s", "end_s", "sha256"}
        info = soundfile.info(experiment / clip["path"])
        assert (info.samplerate, info.channels) == (24000, 1)
        stem = experiment / "features" / Path(clip["path"]).relative_to("audio").with_suffix("")
        for ending in (".soft.pt", ".f0.npy", ".vol.npy", ".spec.pt", ".meta.json"):
            assert stem.with_name(stem.name + ending).is_file()
    listed = [
        line
        for name in ("train", "val")
        for line in (experiment / "filelists" / f"{name}.txt").read_text("utf-8").splitlines()
    ]
    assert set(listed) == {clip["path"] for clip in clips}
    assert json.loads((experiment / "spk_map.json").read_text("utf-8")) == {"ada": 0}
    assert (experiment / "config" / "preprocess.yaml").is_file()
    assert (experiment / "config" / "train.yaml").is_file()


def test_training_leaves_a_voice_that_converts(trained: Path, ezrvc: Command) -> None:
    source = trained / "line.wav"
    write(source, speech_like(1.3, 16000, seed=5))
    finished = ezrvc("convert", source, "-o", trained / "out.wav", "--pitch", "+3", "--json")
    assert finished.code == 0, finished.err
    assert finished.json["converted"][0]["output"] == str(trained / "out.wav")
    assert "'ada'" in finished.err  # the only voice is used, and named
    info = soundfile.info(trained / "out.wav")
    assert info.samplerate == 24000
    assert info.frames == round(1.3 * 24000)


def test_voices_and_doctor_know_the_voice(trained: Path, ezrvc: Command) -> None:
    listed = ezrvc("voices", "--json")
    own = [voice for voice in listed.json["voices"] if not voice["built_in"]]
    assert [voice["speakers"] for voice in own] == [["ada"]]
    assert "ada" in ezrvc("voices").out
    assert str(trained) in ezrvc("doctor").out


def test_a_second_run_touches_nothing(trained: Path, ezrvc: Command, small_voice: Path) -> None:
    made = [
        *(trained / "data/processed").rglob("*.*"),
        *(trained / "models").rglob("*.safetensors"),
    ]
    kept = [path for path in made if path.parent.name not in {"config", "filelists"}]
    kept = [path for path in kept if path.name not in {"prepared.json", "spk_map.json"}]
    before = {path: path.stat().st_mtime_ns for path in kept if path.suffix != ".jsonl"}
    again = ezrvc("preprocess", "--speaker", "ada", "--preset", "tiny", "--config", small_voice)
    assert again.code == 0
    assert ezrvc("train").code == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_folder_converts_as_a_batch_and_one_bad_file_does_not_stop_it(
    trained: Path, ezrvc: Command
) -> None:
    folder = trained / "takes"
    write(folder / "a.wav", speech_like(0.5, 24000, seed=1))
    write(folder / "b.flac", speech_like(0.5, 24000, seed=2))
    (folder / "bad.mp3").write_bytes(b"not sound at all")
    finished = ezrvc("convert", folder, "-o", trained / "results")
    assert finished.code == 1
    assert "bad.mp3" in finished.err
    assert "Traceback" not in finished.err
    assert sorted(path.name for path in (trained / "results").iterdir()) == [
        "a_ada.wav",
        "b_ada.wav",
    ]
