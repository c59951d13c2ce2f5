"""The page holds everything inside, and names that could be markup stay names."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ezrvc_audio.reading import probe
from ezrvc_audio.testing import noise, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_eval.comparison import compare
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.evaluation import Evaluation
from ezrvc_eval.items import EvaluationItem
from ezrvc_eval.metrics.registry import find_metric
from ezrvc_eval.report import write_report
from ezrvc_eval.report.cases import worst_takes
from ezrvc_eval.report.page import format_value
from ezrvc_eval.scoring import Scorer

ODD = "a<b>&'c.wav"
VOID = {"meta", "img", "rect", "line"}


class Page(HTMLParser):
    """Checks that tags close, and collects what the page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, Evaluation]:
    """The same three recordings, with little noise and with much; the odd one is worst in both."""
    folder = tmp_path_factory.mktemp("runs")
    config = EvaluationConfig(metrics=("spectral", "pitch", "clipped"), f0_method="pm")
    scorer = Scorer(config)
    evaluations: list[Evaluation] = []
    for title, gain in (("little", 0.001), ("much", 0.01)):
        items: list[EvaluationItem] = []
        for number, name in enumerate(("one.wav", "two.wav", ODD)):
            spoken = speech_like(0.8, 16000, seed=number)
            write(folder / "source" / name, spoken)
            hiss = noise(0.8, 16000, seed=number).samples * gain * 4**number
            write(folder / title / name, Waveform(spoken.samples + hiss, 16000))
            items.append(
                EvaluationItem(
                    name=name,
                    converted=folder / title / name,
                    reference=folder / "source" / name,
                )
            )
        evaluations.append(scorer.score(items, title=title))
    return evaluations[0], evaluations[1]


def test_the_page_holds_everything_inside(
    tmp_path: Path, runs: tuple[Evaluation, Evaluation]
) -> None:
    little, _ = runs
    report = write_report(tmp_path / "out", little, worst_cases=1)
    page = Page(report.page.read_text(encoding="utf-8"))
    assert page.open == []
    assert [address.split(",")[0] for address in page.addresses] == [
        "data:audio/mpeg;base64", "data:audio/mpeg;base64", "data:image/png;base64",
    ]  # fmt: skip
    assert ODD in page.text
    (tmp_path / "sound.mp3").write_bytes(base64.b64decode(page.addresses[0].split(",")[1]))
    assert probe(tmp_path / "sound.mp3").duration_s == pytest.approx(0.8, abs=0.1)
    picture = base64.b64decode(page.addresses[2].split(",")[1])
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_the_data_is_the_evaluation(tmp_path: Path, runs: tuple[Evaluation, Evaluation]) -> None:
    report = write_report(tmp_path, runs[0], worst_cases=0, unmet=["mcd<0 is required"])
    tree = json.loads(report.data.read_text(encoding="utf-8"))
    assert tree["unmet"] == ["mcd<0 is required"]
    assert Evaluation.load(tmp_path).takes == runs[0].takes
    assert "mcd&lt;0 is required" in report.page.read_text(encoding="utf-8")


def test_two_runs_stand_side_by_side(tmp_path: Path, runs: tuple[Evaluation, Evaluation]) -> None:
    little, much = runs
    comparison = compare(little, much)
    report = write_report(tmp_path, much, against=little, comparison=comparison, worst_cases=0)
    text = report.page.read_text(encoding="utf-8")
    assert Page(text).open == []
    assert 'class="worse">worse' in text
    dots = len(re.findall(r'<circle class="dot first"', text))
    assert dots == 3 * text.count("<svg")
    assert "<b>clipped samples</b>" not in text  # 0 everywhere: in the table, not drawn
    data = json.loads(report.data.read_text(encoding="utf-8"))
    assert data["comparison"]["metrics"]["mcd"]["verdict"] == "worse"


def test_the_worst_come_first_with_reasons(runs: tuple[Evaluation, Evaluation]) -> None:
    (first, why), *others = worst_takes(runs[1], 3)
    assert first.name == ODD
    assert "mel-cepstral distortion" in why
    assert len(others) == 2


def test_a_recording_that_has_gone_leaves_its_numbers(
    tmp_path: Path, runs: tuple[Evaluation, Evaluation]
) -> None:
    tree = runs[0].to_tree()
    for take in tree["recordings"]:
        take["converted"] = str(tmp_path / "gone.wav")
    report = write_report(tmp_path, Evaluation.from_tree(tree), worst_cases=1)
    assert Page(report.page.read_text(encoding="utf-8")).addresses == []


def test_values_read_well() -> None:
    assert format_value(-0.001, find_metric("mcd")) == "0.00"
    assert format_value(-12.345, find_metric("loudness")) == "−12.3"
    assert format_value(2.0, find_metric("mcd"), sign=True) == "+2.00"
