"""The recipe of a base voice: what is laid out for training, and how a voice is scored."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from base_voice import words
from base_voice.lay_out import lay_out
from base_voice.publish import Choice, publish
from base_voice.score import main as score_voice
from base_voice.score import sources
from base_voice.versions import main as versions
from base_voice.words import words_lost
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_eval import Evaluation, EvaluationConfig, EvaluationItem, Score, TakeResult
from ezrvc_model.data.clip_set import open_clips, read_file_list
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import small_config, untrained_voice
from ezrvc_model.training.bases.base import SPEAKER_TABLE
from ezrvc_model.training.bases.reading import read_base
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import F0Range
from ezrvc_model.voice_weights import read_generator

MakeExperiment = Callable[..., ExperimentFolder]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Six speakers, one of the samples and one of another licence, of two recordings each."""
    folder = tmp_path / "corpus"
    rows = []
    for index, speaker in enumerate(["a", "b", "c", "d", "bf_emma", "e"]):
        for take, seconds in enumerate((2.0, 3.2)):
            path = f"{speaker}/{take}.wav"
            (folder / speaker).mkdir(parents=True, exist_ok=True)
            write(folder / path, speech_like(seconds, 24_000, seed=2 * index + take))
            licence = "CC-BY-SA-3.0" if speaker == "e" else "CC0-1.0"
            rows.append({"path": path, "speaker": speaker, "licence": licence, "text": "hello"})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "manifest.jsonl").write_text(text, encoding="utf-8")
    (folder / "align.jsonl").write_text("", encoding="utf-8")
    return folder


def test_speakers_are_laid_out_for_training_or_kept_apart(corpus: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    speakers = lay_out(corpus, home, n_held_out=1)
    kept = [path.name for path in (home / "held-out").iterdir()]
    assert len(kept) == 1
    assert {*speakers, *kept} == set("abcd")
    assert lay_out(corpus, home, n_held_out=1) == speakers  # again changes nothing
    options = (home / "speakers.txt").read_text(encoding="utf-8")
    assert options == "".join(f"--speaker {name}\n" for name in speakers)
    for speaker in speakers:
        files = sorted(path.name for path in (home / "data/raw" / speaker).iterdir())
        assert files == ["0.txt", "0.wav", "1.txt", "1.wav"]
    assert [path.name for path in sources(home)] == ["1.wav"]  # the other one is too short


def test_a_voice_is_scored_on_who_is_kept_apart(corpus: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    speakers = lay_out(corpus, home, n_held_out=2)
    voice = untrained_voice(speakers)
    ranges = {name: F0Range(low_hz=150, median_hz=200, high_hz=300) for name in speakers}
    voice.card = voice.card.model_copy(update={"f0": ranges})
    voice.save(tmp_path / "voice")
    target = speakers[0]
    score_voice([str(tmp_path / "voice"), str(home), str(out), "--targets", target])
    (row,) = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    assert row["n"] == 2
    assert len(list((out / "converted").glob(f"*_{target}.wav"))) == 2
    value, low, high = row["speaker_similarity"]
    assert low <= value <= high
    assert "wer" not in row
    assert (out / "report.html").is_file()


def test_words_that_conversions_lose() -> None:
    """Two words of ten, one of thirty; then on average three and four."""
    sources_heard = {"a": Score(0.2, 10), "b": Score(1 / 30, 30)}
    into = [
        {"a": Score(0.2, 10), "b": Score(0.1, 30)},
        {"a": Score(0.4, 10), "b": Score(1 / 6, 30)},
    ]
    lost = words_lost(sources_heard, into)
    assert lost["source_wer"].value == pytest.approx(3 / 40)
    assert lost["wer"].value == pytest.approx((3 + 4) / 40)
    assert lost["added_wer"].value == pytest.approx(4 / 40)
    bounds = (lost["added_wer"].low, lost["added_wer"].high)
    assert bounds == pytest.approx((0.1, 0.1))  # each of the two loses a tenth of its words
    with pytest.raises(ValueError, match="not every recording"):
        words_lost(sources_heard, [{"a": Score(0.2, 10)}])


def test_words_are_counted_where_they_are_known(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    speakers = lay_out(corpus, home, n_held_out=2)
    first, second = sorted(path for path in (home / "held-out").iterdir())
    (second / "1.txt").unlink()
    voice = untrained_voice(speakers)
    ranges = {name: F0Range(low_hz=150, median_hz=200, high_hz=300) for name in speakers}
    voice.card = voice.card.model_copy(update={"f0": ranges})
    voice.save(tmp_path / "voice")

    def heard(items: list[EvaluationItem], config: EvaluationConfig) -> Evaluation:
        """Of two words none is misheard in a source, and one in a conversion."""
        assert (config.metrics, config.whisper) == (("wer",), "tiny")
        takes = []
        for item in items:
            assert item.text == "hello"
            wer = Score(0.5 * (out in item.converted.parents), 2)
            takes.append(
                TakeResult(
                    name=item.name,
                    converted=item.converted,
                    reference=None,
                    duration_s=3.2,
                    scores={"wer": wer},
                )
            )
        return Evaluation(title="words", takes=tuple(takes))

    monkeypatch.setattr(words, "score", heard)
    monkeypatch.setattr(words, "write_report", lambda folder, evaluation: None)
    names = ",".join(speakers)
    words.main(
        [str(tmp_path / "voice"), str(home), str(out), "--targets", names, "--whisper", "tiny"]
    )
    (row,) = [json.loads(line) for line in (out / "words.jsonl").read_text().splitlines()]
    assert row["n"] == 1
    assert (row["source_wer"], row["wer"], row["added_wer"]) == ([0.0] * 3, [0.5] * 3, [0.5] * 3)
    made = sorted(path.name for path in out.rglob("converted/*.wav"))
    assert made == sorted(f"{first.name}_1_{target}.wav" for target in speakers)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A voice of three speakers as a run exports it, in eight bits, with its discriminator."""
    voice = untrained_voice(["a", "b", "c"])
    opponent = Discriminator(periods=(2,), narrowing=32)
    voice.card = voice.card.model_copy(update={"licence": "of the run", "author": "of the run"})
    voice.save(tmp_path / "trained", storage="int8", discriminator=opponent)
    return tmp_path / "trained"


def test_of_a_published_voice_the_chosen_speakers_are_kept(trained: Path, tmp_path: Path) -> None:
    rows = {
        "willow": {"source": "c", "description": "warm"},
        "rowan": {"source": "a", "description": "low"},
    }
    choice = Choice.from_tree({"card": {"licence": "Apache-2.0"}, "speakers": rows})
    publish(trained, choice, tmp_path / "base", discriminator=True)
    before = read_generator(trained / "generator.safetensors")
    after = read_generator(tmp_path / "base/generator.safetensors")
    table = before.pop(SPEAKER_TABLE)
    torch.testing.assert_close(after.pop(SPEAKER_TABLE), table[[2, 0]], rtol=0, atol=1e-3)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-3)  # the posterior encoder as well
    voice = VoiceModel.load(tmp_path / "base")
    assert voice.speakers == {"willow": 0, "rowan": 1}
    assert voice.speaker_by_default == "willow"
    assert (voice.card.name, voice.card.licence) == ("base", "Apache-2.0")
    assert voice.card.author == "of the run"
    assert voice.card.speakers == {"willow": "warm", "rowan": "low"}
    base = read_base(str(tmp_path / "base"), tmp_path, voice.config)
    assert base.discriminator is not None
    assert base.discriminator.narrowing == 32


def test_clips_are_heard_again_as_if_from_others(make_experiment: MakeExperiment) -> None:
    model = small_config().model_copy(update={"content_dim": 64})
    experiment = make_experiment(n_clips=2, n_held_out=1, model=model)
    versions([str(experiment.root), "--count", "2", "--device", "cpu"])
    listed = read_file_list(experiment.train_list)
    assert listed[:3] == [
        "audio/ada/000.wav", "audio/ada/001.wav", "audio/ada/000_heard1.wav"
    ]  # fmt: skip
    assert len(listed) == 6
    assert read_file_list(experiment.validation_list) == ["audio/ada/002.wav"]
    opened = open_clips(experiment, listed, model, {"ada": 0})
    assert not opened.left_out
    clips = {clip.name: clip for clip in opened.clips}
    own, first, second = (clips[f"audio/ada/000{end}.wav"] for end in ("", "_heard1", "_heard2"))
    for version in (first, second):
        assert torch.equal(version.audio, own.audio)
        assert torch.equal(version.features.f0, own.features.f0)
        assert torch.equal(version.features.volume, own.features.volume)
        assert version.features.content.shape == own.features.content.shape
    likeness = torch.cosine_similarity(first.features.content, second.features.content, dim=0)
    assert 0.1 < likeness.mean() < 0.9999  # the same sound, heard differently
    with pytest.raises(ValueError, match="have versions already"):
        versions([str(experiment.root), "--device", "cpu"])
    assert read_file_list(experiment.train_list) == listed


def _chosen(*sources: str) -> Choice:
    rows = {
        f"new{place}": {"source": name, "description": ""} for place, name in enumerate(sources)
    }
    return Choice.from_tree({"speakers": rows})


def test_what_cannot_ship_is_not_published(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="come from the same speaker"):
        publish(trained, _chosen("a", "a"), tmp_path / "base")
    with pytest.raises(ModelError, match="unknown speaker 'd'"):
        publish(trained, _chosen("d"), tmp_path / "base")
    VoiceModel.load(trained).save(tmp_path / "plain")  # without its posterior encoder
    with pytest.raises(ModelError, match="does not hold all that training needs"):
        publish(tmp_path / "plain", _chosen("a"), tmp_path / "base")
    assert not (tmp_path / "base").exists()
