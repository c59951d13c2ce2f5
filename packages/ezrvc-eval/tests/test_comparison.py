"""Two runs side by side, and what must hold."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ezrvc_eval.comparison import compare
from ezrvc_eval.errors import EvalError
from ezrvc_eval.evaluation import Evaluation, TakeResult
from ezrvc_eval.metric import Score
from ezrvc_eval.thresholds import Requirement, unmet


def run(title: str, values: Mapping[str, list[float]], *, suffix: str = "") -> Evaluation:
    (length,) = {len(each) for each in values.values()}
    takes = tuple(
        TakeResult(
            name=f"{number}{suffix}.wav",
            converted=Path(f"{number}{suffix}.wav"),
            reference=Path(f"source/{number}.flac"),
            duration_s=1.0,
            scores={name: Score(each[number]) for name, each in values.items()},
        )
        for number in range(length)
    )
    return Evaluation(title=title, takes=takes, skipped={"utmos": "its weights are not here"})


def verdicts(first: Evaluation, second: Evaluation) -> dict[str, str]:
    return {row.metric.name: row.verdict for row in compare(first, second).rows}


def test_better_and_worse_go_by_the_direction_of_the_metric() -> None:
    low, high = [1.0, 2.0, 3.0] * 2, [2.0, 3.1, 4.2] * 2
    names = ["wer", "dnsmos_overall", "loudness", "true_peak"]
    first, second = run("a", dict.fromkeys(names, low)), run("b", dict.fromkeys(names, high))
    assert verdicts(first, second) == {
        "wer": "worse", "dnsmos_overall": "better", "loudness": "different",
        "true_peak": "not compared",
    }  # fmt: skip
    assert verdicts(second, first)["wer"] == "better"


def test_five_recordings_are_too_few_for_a_verdict_and_six_are_not() -> None:
    """Differences of one sign in five of five are chance once in 16 times."""
    better, worse = [0.1] * 6, [0.2] * 6
    six = verdicts(run("a", {"wer": worse}), run("b", {"wer": better}))
    five = verdicts(run("a", {"wer": worse[:5]}), run("b", {"wer": better[:5]}))
    one = verdicts(run("a", {"wer": worse[:1]}), run("b", {"wer": better[:1]}))
    assert (six, five, one) == ({"wer": "better"}, {"wer": "too few"}, {"wer": "too few"})


def test_only_recordings_with_a_score_in_both_are_compared() -> None:
    first, second = run("a", {"wer": [0.1] * 7}), run("b", {"wer": [0.1] * 6 + [0.8]})
    takes = (*first.takes[:6], replace(first.takes[6], scores={}))
    (row,) = compare(replace(first, takes=takes), second).rows
    assert (row.first.n, row.second.value) == (6, pytest.approx(0.1))


def test_a_difference_that_may_be_chance_is_undecided() -> None:
    first = run("a", {"wer": [0.1, 0.5, 0.2, 0.4]})
    second = run("b", {"wer": [0.5, 0.1, 0.3, 0.4]})
    assert verdicts(first, second) == {"wer": "undecided"}
    (row,) = compare(first, second).rows
    assert row.difference is not None
    assert row.difference.value == pytest.approx(0.025)


def test_runs_of_other_names_are_matched_by_their_references() -> None:
    first = run("a", {"wer": [0.1, 0.2] * 3}, suffix="_ada")
    second = run("b", {"wer": [0.3, 0.4] * 3}, suffix="_eve")
    (row,) = compare(first, second).rows
    assert row.first.value == pytest.approx(0.15)
    assert compare(first, second).to_tree()["metrics"]["wer"]["verdict"] == "worse"


def test_runs_that_share_nothing_are_refused() -> None:
    other = TakeResult(
        name="z.wav", converted=Path("z.wav"), reference=None, duration_s=1.0, scores={}
    )
    with pytest.raises(EvalError, match="share no recording"):
        compare(run("a", {"wer": [0.1]}), Evaluation(title="b", takes=(other,)))


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("wer<0.15", True),
        ("wer < 0.1", False),
        ("wer<=0.1", True),
        ("wer>=1e-1", True),
        ("wer>0.1", False),
    ],
)
def test_requirements_are_held_against_the_summary(text: str, met: bool) -> None:
    evaluation = run("a", {"wer": [0.1, 0.1]})
    assert (unmet([Requirement.parse(text)], evaluation) == []) is met


def test_what_is_not_met_says_by_how_much() -> None:
    evaluation = run("a", {"f0_rmse": [120.0]})
    assert unmet([Requirement.parse("f0_rmse<100")], evaluation) == [
        "f0_rmse<100 is required, but f0_rmse is 120 cents"
    ]


def test_a_rounded_value_never_seems_to_meet_what_it_misses() -> None:
    evaluation = run("a", {"wer": [0.15004], "f0_rmse": [99.6]})
    bounds = [Requirement.parse("wer<=0.15"), Requirement.parse("f0_rmse>=100")]
    assert unmet(bounds, evaluation) == [
        "wer<=0.15 is required, but wer is 0.15004",
        "f0_rmse>=100 is required, but f0_rmse is 99.6 cents",
    ]


def test_what_was_not_measured_is_not_met() -> None:
    bounds = [Requirement.parse("utmos>3"), Requirement.parse("cer<1")]
    lines = unmet(bounds, run("a", {"wer": [0.1]}))
    assert lines[0].endswith("utmos was not measured: its weights are not here")
    assert lines[1].endswith("cer was not measured: it was not asked for")


@pytest.mark.parametrize("text", ["wer", "wer=1", "wer<", "wer<1.2.3", "<1", "wer<nan"])
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(EvalError, match="is not of the form"):
        Requirement.parse(text)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(EvalError, match="did you mean 'wer'"):
        Requirement.parse("were<1")
