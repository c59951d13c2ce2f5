"""What the demo measures, and what it says of it."""

from pathlib import Path

import pytest

from ezrvc_cli.demo import measuring
from ezrvc_cli.demo.conversions import Conversion, convert_into, lowest_and_highest
from ezrvc_cli.demo.learning import configuration
from ezrvc_cli.demo.measuring import (
    Measured,
    against_each_other,
    against_its_own,
    choose_metrics,
    unconverted,
)
from ezrvc_cli.demo.page import score_table
from ezrvc_cli.demo.samples import unpack_samples
from ezrvc_cli.demo.verdict import (
    how_alike_built_in,
    how_near_learnt,
    notice,
    who_follows_pitch,
)
from ezrvc_eval import Evaluation, Score, TakeResult
from ezrvc_model.builtin import built_in_voice
from ezrvc_model.testing import save_untrained_voice
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import F0Range


def conversion(name: str, speaker: str) -> Conversion:
    return Conversion(
        source=Path(f"source-{name}.opus"),
        result=Path(f"{name}_{speaker}.wav"),
        name=name,
        speaker=speaker,
        description="",
        transpose_semitones=3.0,
        elapsed_s=2.0,
    )


def evaluation(*scores: dict[str, float]) -> Evaluation:
    """One recording for each mapping of metric to value."""
    return Evaluation(
        title="t",
        takes=tuple(
            TakeResult(
                name=f"take {index}",
                converted=Path("c.wav"),
                reference=None,
                duration_s=1.0,
                scores={name: Score(value) for name, value in each.items()},
            )
            for index, each in enumerate(scores)
        ),
    )


def measured(*, alike: float, nearer: float, pitch: float) -> Measured:
    return Measured(
        built_in=evaluation({"speaker_similarity": alike, "f0_correlation": 0.99}),
        learnt=evaluation(
            {"speaker_similarity": 0.7, "nearer_target": nearer, "f0_correlation": pitch}
        ),
        sources=evaluation({"speaker_similarity": 0.5}),
        own=evaluation({"speaker_similarity": 0.95}),
        not_measured=("Words were not scored.",),
    )


def test_a_built_in_voice_is_held_against_what_it_makes_of_the_others() -> None:
    pairs = [conversion(name, speaker) for speaker in ("ivy", "flint") for name in ("a", "b")]
    items = against_each_other(pairs)
    assert [item.name for item in items] == ["a_ivy", "b_ivy", "a_flint", "b_flint"]
    assert [item.target for item in items] == [
        (Path(f"{other}_{speaker}.wav"),) for speaker in ("ivy", "flint") for other in ("b", "a")
    ]
    assert items[0].reference == Path("source-a.opus")
    assert items[0].transpose_semitones == 3
    assert items[0].timing is not None
    assert items[0].timing.elapsed_s == 2


def test_a_learnt_voice_is_held_against_its_recordings() -> None:
    own = [Path("1.opus"), Path("2.opus")]
    assert [item.target for item in against_its_own([conversion("a", "emma")], own)] == [tuple(own)]
    assert [item.target for item in unconverted(own)] == [(own[1],), (own[0],)]


def test_only_what_is_here_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "speaker_encoder_at_hand", lambda: False)
    monkeypatch.setattr(measuring, "whisper_at_hand", lambda _: False)
    config, not_measured = choose_metrics(None)
    assert not {"wer", *measuring.SPEAKER} & set(config.metrics)
    assert "f0_correlation" in config.metrics
    assert [line.split(" was")[0].split(" were")[0] for line in not_measured] == [
        "Whose voice it is",
        "Words",
    ]
    config, not_measured = choose_metrics("tiny")  # asked for: it may be fetched
    assert "wer" in config.metrics
    assert config.whisper == "tiny"
    assert len(not_measured) == 1
    monkeypatch.setattr(measuring, "speaker_encoder_at_hand", lambda: True)
    monkeypatch.setattr(measuring, "whisper_at_hand", lambda name: name == "base")
    config, not_measured = choose_metrics(None)
    assert {"wer", *measuring.SPEAKER} <= set(config.metrics)
    assert not_measured == ()


def test_the_notice_says_what_was_measured() -> None:
    good = notice(measured(alike=0.9, nearer=1, pitch=0.9), speaker="emma", steps=1, minutes=1.32)
    assert "emma is hardly trained: it had 1 step from" in good
    assert "1.3 minutes" in good
    assert "the sources are 0.50 alike, what a built-in voice makes of them 0.90 or more." in good
    assert "are nearer to emma than to their sources (similarity 0.70)." in good
    assert "All conversions follow" in good
    assert good.endswith("Words were not scored.")
    bad = notice(measured(alike=0.4, nearer=0, pitch=0.1), speaker="emma", steps=9, minutes=1.32)
    assert "do not bring the speakers together" in bad
    assert "None of its conversions is nearer" in bad
    assert "1 of 2 conversions follow" in bad


def test_the_words_follow_the_numbers() -> None:
    assert who_follows_pitch([0.8, 0.99], 2) == "All conversions follow their source's pitch"
    assert "No conversion" in who_follows_pitch([0.1], 2)
    assert "1 of 2" in who_follows_pitch([0.99], 2)  # too little is voiced in the other
    assert "1 of its 2 conversions is nearer" in how_near_learnt([1, 0], [0.7, 0.6], speaker="e")
    assert how_near_learnt([], [], speaker="e") == ""
    assert "do not" in how_alike_built_in([0.9, 0.5], [0.5, 0.4])  # one is not above
    assert how_alike_built_in([], [0.5]) == ""


def test_the_table_has_a_column_for_what_was_measured() -> None:
    headings = {"nearer_target": "nearer", "wer": "words", "f0_correlation": "pitch"}
    table = score_table(
        evaluation({"nearer_target": 1.0, "f0_correlation": 0.98765}, {"nearer_target": 0.0}),
        headings,
        ["first", "second"],
        [("own", evaluation({"f0_correlation": 0.5}, {"f0_correlation": 0.7}))],
    )
    assert table.headings == ("nearer", "pitch")
    assert table.rows == (("first", ("yes", "0.988")), ("second", ("no", "–")))
    assert table.yardsticks == (("own", ("–", "0.600")),)


def test_the_lowest_and_the_highest_speak(tmp_path: Path) -> None:
    save_untrained_voice(tmp_path / "voice", speakers=("a", "b", "c"))
    voice = VoiceModel.load(tmp_path / "voice")
    heights = {"a": 200.0, "b": 100.0, "c": 150.0, "gone": 900.0}
    ranges = {
        name: F0Range(low_hz=hz - 20, median_hz=hz, high_hz=hz + 20) for name, hz in heights.items()
    }
    voice.card = voice.card.model_copy(update={"f0": ranges, "speakers": {"b": "a man's voice"}})
    assert lowest_and_highest(voice) == ("b", "a")
    samples = unpack_samples(tmp_path)
    made = convert_into(voice, ["b"], samples.sources[:1], tmp_path / "out", device="cpu")
    assert [each.result.name for each in made] == ["nova_b.wav"]
    assert made[0].result.is_file()
    assert made[0].description == "a man's voice"
    assert made[0].transpose_semitones < 0  # nova speaks higher than 100 Hz
    voice.card = voice.card.model_copy(update={"f0": {"c": ranges["c"]}})
    assert lowest_and_highest(voice) == ("c",)


def test_the_demo_learns_from_the_built_in_voice() -> None:
    config = configuration(7)
    assert (config.train.base, config.train.max_steps) == ("builtin:base", 7)
    built_in = VoiceModel.load(built_in_voice("base")).config
    assert config.model.model_copy(update={"n_speakers": built_in.n_speakers}) == built_in
