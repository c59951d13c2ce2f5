"""Scoring many recordings: models once, failures named, nothing reported as zero."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ezrvc_audio.errors import AudioError
from ezrvc_audio.testing import silence, speech_like
from ezrvc_audio.writing import write
from ezrvc_eval.bootstrap import Interval
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import EvalError
from ezrvc_eval.evaluation import Evaluation
from ezrvc_eval.items import EvaluationItem, Take, Timing
from ezrvc_eval.metric import Measurement, Score
from ezrvc_eval.scoring import Scorer


class StatedMeter:
    """Gives stated scores by name of recording."""

    def __init__(self, scores: Mapping[str, Mapping[str, float]]) -> None:
        self.scores = scores
        self.seen: list[str] = []

    def measure(self, take: Take) -> Measurement:
        self.seen.append(take.name)
        if take.name not in self.scores:
            raise AudioError("this cannot be measured")
        return Measurement({name: Score(value) for name, value in self.scores[take.name].items()})


def stated(
    scores: Mapping[str, Mapping[str, float]], items: list[EvaluationItem], *names: str
) -> Evaluation:
    config = EvaluationConfig(metrics=names or ("clicks",))
    return Scorer(config, meters={"clicks": StatedMeter(scores)}).score(items)


def test_every_recording_is_measured_and_progress_told(recordings: list[EvaluationItem]) -> None:
    told: list[tuple[str, float, float | None]] = []
    meter = StatedMeter({item.name: {"clicks": 2.0} for item in recordings})
    found = Scorer(EvaluationConfig(metrics=("clicks",)), meters={"clicks": meter}).score(
        recordings,
        title="run",
        progress=lambda step, completed, total=None: told.append((step, completed, total)),
    )
    assert meter.seen == ["0.wav", "1.wav", "2.wav"]
    assert told[0] == ("evaluate", 0, 3)
    assert told[-1] == ("evaluate", 3, 3)
    assert found.summary["clicks"].value == 2.0
    assert found.duration_s == pytest.approx(3.0)


def test_real_meters_agree_that_a_recording_is_itself(recordings: list[EvaluationItem]) -> None:
    config = EvaluationConfig(metrics=("spectral", "f0_rmse", "level", "clicks"), f0_method="pm")
    summary = Scorer(config).score(recordings).summary
    assert {name: summary[name].value for name in ("mcd", "lsd", "f0_rmse", "clicks")} == {
        "mcd": 0, "lsd": 0, "f0_rmse": 0, "clicks": 0,
    }  # fmt: skip
    assert "f0_correlation" not in summary  # only what was asked for


def test_what_cannot_be_told_is_left_out_and_said(recordings: list[EvaluationItem]) -> None:
    found = stated({"0.wav": {"clicks": 4.0}, "1.wav": {"clicks": 0.0}}, recordings)
    assert found.summary["clicks"].value == 2.0
    assert found.summary["clicks"].n == 2
    assert found.takes[2].notes == ("clicks: this cannot be measured",)


def test_missing_weights_are_skipped_with_a_line_and_never_zero(
    recordings: list[EvaluationItem],
) -> None:
    found = Scorer(EvaluationConfig(metrics=("utmos", "wer", "clipped"))).score(recordings)
    assert set(found.summary) == {"clipped"}
    assert "--set utmos=hub" in found.skipped["utmos"]
    assert "--whisper FOLDER" in found.skipped["wer"]


def test_what_a_metric_lacks_is_said(tmp_path: Path, recordings: list[EvaluationItem]) -> None:
    alone = [EvaluationItem(name="a", converted=recordings[0].converted)]
    found = Scorer(EvaluationConfig(metrics=("mcd", "real_time_factor"))).score(alone)
    assert found.skipped["mcd"] == "needs a reference recording"
    assert found.skipped["real_time_factor"].startswith("needs the time")


def test_the_reason_is_what_is_really_lacking(
    tmp_path: Path, recordings: list[EvaluationItem]
) -> None:
    longer = tmp_path / "longer.wav"
    write(longer, speech_like(2.0, 16000))
    pair = [EvaluationItem(name="a", converted=recordings[0].converted, reference=longer)]
    names = ("lsd", "dnsmos_difference", "nearer_target")
    found = Scorer(EvaluationConfig(metrics=names)).score(pair)
    assert found.skipped == {
        "lsd": "lsd, mr_stft: the reference has another length",
        "dnsmos_difference": "needs recordings of the target voice",
        "nearer_target": "needs recordings of the target voice",
    }


def test_sounds_in_memory_have_intervals_without_files() -> None:
    """Made one at a time; the factor of time is that of all together, the peak the greatest."""
    made: list[str] = []

    def takes() -> Iterator[Take]:
        for name, elapsed_s, peak in (("a", 1.0, 300.0), ("b", 3.0, 200.0)):
            made.append(name)
            yield Take(
                name=name,
                converted=silence(2.0, 16000),
                timing=Timing(elapsed_s=elapsed_s, peak_memory_mb=peak),
            )

    found = Scorer(EvaluationConfig(metrics=("clipped", "speed"))).summarise(takes())
    assert made == ["a", "b"]
    assert list(found) == ["clipped", "real_time_factor", "peak_memory"]
    assert found["clipped"] == Interval(0, 0, 0, 2)
    assert found["real_time_factor"] == Interval(1.0, 0.5, 1.5, 2)
    assert found["peak_memory"].value == 300


def test_one_bad_file_does_not_stop_the_others(
    tmp_path: Path, recordings: list[EvaluationItem]
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"words, not sound")
    items = [*recordings, EvaluationItem(name="bad.wav", converted=bad)]
    found = stated({item.name: {"clicks": 1.0} for item in recordings}, items)
    assert len(found.takes) == 3
    assert [name for name, _ in found.failures] == ["bad.wav"]
    with pytest.raises(EvalError, match="none of 1 recordings can be read"):
        stated({}, items[-1:])


def test_nothing_and_double_names_are_refused(recordings: list[EvaluationItem]) -> None:
    with pytest.raises(EvalError, match="nothing to evaluate"):
        stated({}, [])
    with pytest.raises(EvalError, match=r"two recordings are called '0\.wav'"):
        stated({}, [recordings[0], recordings[0]])


def test_a_score_that_is_no_number_is_an_error(recordings: list[EvaluationItem]) -> None:
    with pytest.raises(EvalError, match="clicks came out as nan"):
        stated({"0.wav": {"clicks": float("nan")}}, recordings[:1])


def test_an_evaluation_survives_its_file(tmp_path: Path, recordings: list[EvaluationItem]) -> None:
    found = stated({"0.wav": {"clicks": 4.0}, "1.wav": {"clicks": 1.0}}, recordings)
    found.save(tmp_path / "run" / "report.json")
    again = Evaluation.load(tmp_path / "run")
    assert again.to_tree() == found.to_tree()
    assert again.takes == found.takes
    assert again.n_resamples == found.n_resamples


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 9, "title": ""}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "report.json").write_text(content, encoding="utf-8")
    with pytest.raises(EvalError, match="is no report of an evaluation"):
        Evaluation.load(tmp_path)
    with pytest.raises(EvalError, match="cannot be read"):
        Evaluation.load(tmp_path / "nowhere.json")


def test_settings_go_into_the_file(recordings: list[EvaluationItem]) -> None:
    tree: dict[str, Any] = stated({"0.wav": {"clicks": 1.0}}, recordings).to_tree()
    assert tree["settings"]["metrics"] == ["clicks"]
    assert tree["summary"]["clicks"]["n"] == 1
