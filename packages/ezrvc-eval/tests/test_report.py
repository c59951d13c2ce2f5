"""The page holds everything inside, and names that could be markup stay names."""

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ezrvc_audio.reading import probe
from ezrvc_audio.testing import noise, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_eval.comparison import compare
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.evaluation import Evaluation, TakeResult
from ezrvc_eval.items import EvaluationItem
from ezrvc_eval.metric import Score
from ezrvc_eval.metrics.registry import find_metric
from ezrvc_eval.report import write_report
from ezrvc_eval.report.cases import badness, worst_takes
from ezrvc_eval.report.page import format_duration, format_value
from ezrvc_eval.report.pictures import page_picture
from ezrvc_eval.report.rows import metric_rows, tiles
from ezrvc_eval.report.words import compare_words
from ezrvc_eval.scoring import Scorer
from ezrvc_eval.thresholds import Requirement

ODD = "a<b>&'c.wav"
VOID = {"meta", "img", "rect", "line", "br"}


class Page(HTMLParser):
    """Checks that tags close, and collects what the page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = [value or "" for name, value in attrs if name in {"src", "href"}]
        self.addresses += [value for value in values if not value.startswith("#")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {*VOID, "circle"}

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
        "data:audio/mpeg;base64", "data:audio/mpeg;base64", "data:image/webp;base64",
    ]  # fmt: skip
    assert ODD in page.text
    (tmp_path / "sound.mp3").write_bytes(base64.b64decode(page.addresses[0].split(",")[1]))
    assert probe(tmp_path / "sound.mp3").duration_s == pytest.approx(0.8, abs=0.1)
    picture = base64.b64decode(page.addresses[2].split(",")[1])
    assert picture[8:12] == b"WEBP"
    assert len(picture) > 10_000


def test_the_data_is_the_evaluation(tmp_path: Path, runs: tuple[Evaluation, Evaluation]) -> None:
    bounds = [Requirement.parse(text) for text in ("mcd<0", "mcd<99", "utmos>3")]
    report = write_report(tmp_path, runs[0], worst_cases=0, requirements=bounds)
    tree = json.loads(report.data.read_text(encoding="utf-8"))
    assert tree["requirements"] == {"mcd<0": False, "mcd<99": True, "utmos>3": False}
    assert [line.split(",")[0] for line in tree["unmet"]] == [
        "mcd<0 is required", "utmos>3 is required",
    ]  # fmt: skip
    assert Evaluation.load(tmp_path).takes == runs[0].takes
    text = report.page.read_text(encoding="utf-8")
    assert text.count('class="chip unmet">not met') == 2
    assert text.count('class="chip met">met') == 1
    assert "mcd&lt;0" in text


def test_two_runs_stand_side_by_side(tmp_path: Path, runs: tuple[Evaluation, Evaluation]) -> None:
    little, much = runs
    comparison = compare(little, much)
    report = write_report(tmp_path, much, against=little, comparison=comparison, worst_cases=0)
    text = report.page.read_text(encoding="utf-8")
    assert Page(text).open == []
    assert 'class="chip too few">too few' in text
    distributions = text[text.index('id="distributions"') : text.index('id="recordings"')]
    dots = len(re.findall(r'<circle class="dot first"', distributions))
    assert dots == 3 * distributions.count("<svg")
    assert "clipped samples" in text
    assert "clipped samples" not in distributions  # 0 everywhere: in the table, not drawn
    data = json.loads(report.data.read_text(encoding="utf-8"))
    assert data["comparison"]["metrics"]["mcd"]["verdict"] == "too few"


def test_the_worst_come_first_with_reasons(runs: tuple[Evaluation, Evaluation]) -> None:
    (first, worst_in), *others = worst_takes(runs[1], 3)
    assert first.name == ODD
    assert "mcd" in {metric.name for metric in worst_in}
    assert len(others) == 2


def test_a_recording_that_has_gone_leaves_its_numbers(
    tmp_path: Path, runs: tuple[Evaluation, Evaluation]
) -> None:
    tree = runs[0].to_tree()
    for take in tree["recordings"]:
        take["converted"] = str(tmp_path / "gone.wav")
    report = write_report(tmp_path, Evaluation.from_tree(tree), worst_cases=1)
    assert Page(report.page.read_text(encoding="utf-8")).addresses == []


def test_time_runs_where_the_page_believes() -> None:
    """Edges and seconds of the picture are those of the loudest column, which is put at 1.5 s."""
    sound = np.zeros((1, 32000), np.float32)
    sound[0, 23840:24160] = noise(0.02, 16000, amplitude=0.9).samples[0]  # about 1.5 s
    drawn = page_picture(None, Waveform(sound, 16000), None)
    picture = np.asarray(Image.open(io.BytesIO(drawn.image)).convert("RGB"), float)
    inside = picture[picture.shape[0] // 3 : picture.shape[0] // 2]
    left, right = drawn.edges
    width = picture.shape[1]
    columns = inside.sum(axis=(0, 2))[round(left * width) + 4 : round(right * width) - 4]
    brightest = np.flatnonzero(columns > columns.max() / 2).mean() + round(left * width) + 4
    seconds = (brightest / width - left) / (right - left) * drawn.seconds
    assert seconds == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize(
    ("said", "heard", "shown"),
    [
        ("The cat sat.", "the bat sat", "the=right bat=wrong sat=right"),
        ("the cat sat", "the sat", "the=right cat=missing sat=right"),
        ("the cat", "The cat sat!", "the=right cat=right sat=wrong"),
        ("the cat", "", "the=missing cat=missing"),
        ("…", "words", "words=wrong"),
    ],
)
def test_words_are_marked_as_wer_counts_them(said: str, heard: str, shown: str) -> None:
    assert " ".join(f"{word}={kind}" for word, kind in compare_words(said, heard)) == shown


def test_what_was_heard_is_shown_with_its_errors(
    tmp_path: Path, runs: tuple[Evaluation, Evaluation]
) -> None:
    texts = {"text": "The <cat> sat", "heard": "the bat"}
    takes = tuple(replace(take, texts=texts) for take in runs[0].takes)
    report = write_report(tmp_path, replace(runs[0], takes=takes), worst_cases=1)
    text = report.page.read_text(encoding="utf-8")
    assert "The &lt;cat&gt; sat" in text
    assert "<mark>bat</mark>" in text
    assert '<del title="not heard">sat</del>' in text


def test_worse_recordings_are_redder(tmp_path: Path, runs: tuple[Evaluation, Evaluation]) -> None:
    mcd = find_metric("mcd")
    shares = badness(runs[1], mcd)
    assert shares[ODD] == 1
    assert sorted(shares.values()) == [0, 0.5, 1]
    assert badness(runs[1], find_metric("clipped")) == {}  # all alike
    page = write_report(tmp_path, runs[1], worst_cases=0).page.read_text(encoding="utf-8")
    assert 'style="--badness:1.00"' in page


def test_scales_hold_what_lies_outside_them(tmp_path: Path) -> None:
    take = TakeResult(
        name="a", converted=Path("a"), reference=None, duration_s=1,
        scores={"wer": Score(1.7), "loudness": Score(-30.0)},
    )  # fmt: skip
    (row, bar), *others = tiles(metric_rows(Evaluation(title="x", takes=(take,)), None), None)
    assert row.metric.name == "wer"
    assert others == []
    assert re.findall(r'style="text-anchor:\w+">([\d.]+)<', bar) == ["0", "1.9"]


def test_values_read_well() -> None:
    assert format_value(-0.001, find_metric("mcd")) == "0.00"
    assert format_value(-12.345, find_metric("loudness")) == "−12.3"
    assert format_value(2.0, find_metric("mcd"), sign=True) == "+2.00"
    assert format_duration(29.6) == "30 seconds"
    assert format_duration(300) == "5.0 minutes"
