"""WER and CER on word lists counted by hand, and by a real Whisper."""

from pathlib import Path
from typing import NamedTuple

import pytest

from ezrvc_audio.testing import silence, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_device.testing import StandInHub
from ezrvc_eval.bootstrap import pooled
from ezrvc_eval.errors import EvalError, MissingWeightsError
from ezrvc_eval.items import Take
from ezrvc_eval.metrics.intelligibility import IntelligibilityMeter, error_rates
from ezrvc_eval.metrics.text import normalise
from ezrvc_eval.metrics.whisper import WhisperTranscriber, find_whisper, whisper_at_hand
from ezrvc_eval.testing import join_whisper_base


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Don't STOP — the music!", "don't stop the music"),
        ("‘Quoted’ words; don’t.", "quoted words don't"),
        ("a well-known [laughter] tune", "a well known tune"),
        ("ﬁne Straße", "fine strasse"),
        ("你好。", "你 好"),
        ("24 boxes, $5", "24 boxes 5"),
        ("…!", ""),
    ],
)
def test_texts_are_compared_by_their_words(written: str, words: str) -> None:
    assert normalise(written) == words


@pytest.mark.parametrize(
    ("said", "heard", "wer"),
    [
        ("the cat sat down", "The cat sat down.", 0.0),
        ("the cat sat down", "the bat sat down", 1 / 4),  # one wrong
        ("the cat sat down", "the sat down", 1 / 4),  # one missing
        ("the cat sat down", "the cat sat right down", 1 / 4),  # one added
        ("the cat sat down", "", 1.0),
        ("no", "no no no", 2.0),  # more errors than words
    ],
)
def test_word_errors_are_counted(said: str, heard: str, wer: float) -> None:
    assert error_rates(said, heard)[0].value == pytest.approx(wer)


def test_characters_are_counted_with_their_spaces() -> None:
    words, characters = error_rates("ab cd", "ab ce")
    assert (words.value, words.weight) == (0.5, 2)
    assert (characters.value, characters.weight) == (pytest.approx(0.2), 5)


def test_over_recordings_the_rate_is_that_of_all_words() -> None:
    scores = [error_rates("a b c d e f g h i", "a b c d e f g h i")[0], error_rates("a", "b")[0]]
    assert pooled(scores) == pytest.approx(1 / 10)  # not the mean of 0 and 1


def test_no_words_make_no_rate() -> None:
    with pytest.raises(ValueError, match="needs words"):
        error_rates("…", "anything")


class Parrot:
    """Hears what it is told, by the length of the sound."""

    def __init__(self, heard: dict[int, str]) -> None:
        self.heard = heard

    def transcribe(self, waveform: Waveform) -> str:
        return self.heard[waveform.n_samples]


def test_without_a_text_the_reference_says_what_should_be_heard() -> None:
    meter = IntelligibilityMeter(Parrot({100: "one two", 200: "one too"}))
    made, reference = silence(200 / 1000, 1000), silence(100 / 1000, 1000)
    measured = meter.measure(Take(name="a", converted=made, reference=reference))
    assert measured.scores["wer"].value == 0.5
    assert measured.texts == {"heard in the reference": "one two", "heard": "one too"}
    told = meter.measure(Take(name="a", converted=made, reference=reference, text="one too"))
    assert told.scores["wer"].value == 0.0


def test_without_words_nothing_is_measured() -> None:
    meter = IntelligibilityMeter(Parrot({100: "", 200: "noise"}))
    made, reference = silence(200 / 1000, 1000), silence(100 / 1000, 1000)
    for take in (
        Take(name="a", converted=made),
        Take(name="a", converted=made, reference=reference),
    ):
        measured = meter.measure(take)
        assert not measured.scores
        assert measured.notes[0].startswith("wer, cer: ")


def test_an_unknown_whisper_is_refused() -> None:
    with pytest.raises(EvalError, match="no Whisper model 'hugest': give a folder"):
        find_whisper("hugest")
    with pytest.raises(EvalError, match="no Whisper model 'hugest': give a folder"):
        whisper_at_hand("hugest")


def test_a_missing_whisper_says_how_to_get_it() -> None:
    with pytest.raises(MissingWeightsError, match="--whisper FOLDER"):
        find_whisper("tiny")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    assert find_whisper(str(tmp_path)) == tmp_path
    assert whisper_at_hand(str(tmp_path))
    with pytest.raises(EvalError, match=r"config\.json is missing"):
        WhisperTranscriber(tmp_path)


def test_a_size_is_a_size_whatever_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base").mkdir()
    monkeypatch.chdir(tmp_path)
    assert not whisper_at_hand("base")
    assert whisper_at_hand("./base")


def test_whisper_comes_from_the_hub_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EZRVC_OFFLINE")
    contents = {name: name.encode() for name in ("config.json", "tokenizer.json", "model.bin")}
    contents["vocabulary.txt"] = b"words"
    with StandInHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
        hub.commit("Systran/faster-whisper-tiny", {**contents, "README.md": b"not needed"})
        assert not whisper_at_hand("tiny")  # it could be fetched: that is something else
        folder = find_whisper("tiny")
    fetched = {path.name: path.read_bytes() for path in folder.glob("[a-z]*")}
    assert fetched == contents
    monkeypatch.setenv("EZRVC_OFFLINE", "1")
    assert whisper_at_hand("tiny")
    assert find_whisper("tiny") == folder


@pytest.fixture(scope="session")
def whisper_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The halves of the model joined."""
    return join_whisper_base(tmp_path_factory.mktemp("whisper-base"))


@pytest.mark.slow
def test_a_real_whisper_hears_no_words_in_silence_and_the_same_twice(whisper_base: Path) -> None:
    whisper = WhisperTranscriber(whisper_base, language="en")
    assert whisper.transcribe(silence(1.0, 16000)) == ""
    babble = speech_like(1.5, 24000)
    assert whisper.transcribe(babble) == whisper.transcribe(babble)


def test_a_language_that_is_none_is_refused(whisper_base: Path) -> None:
    whisper = WhisperTranscriber(whisper_base, language="klingon")
    with pytest.raises(EvalError, match="'klingon'"):
        whisper.transcribe(speech_like(0.5, 16000))


class _Segment(NamedTuple):
    text: str
    compression_ratio: float = 1.3


class _Info(NamedTuple):
    language: str = "en"


@pytest.mark.parametrize(
    ("by_way_of_listening", "heard"),
    [
        ({"plain": ["to be, to be", 9.0], "penalty": ["to be or not", 1.2]}, "to be or not"),
        ({"plain": ["to be, to be", 9.0], "penalty": ["be be be", 3.0]}, "to be, to be"),
        ({"plain": ["XVI", 0.5], "timestamps": ["XVI. Lack of air", 1.1]}, "XVI. Lack of air"),
        ({"plain": ["XVI", 0.5], "timestamps": ["X X X X X X X X X X X", 9.0]}, "XVI"),
        ({"plain": ["a sentence that is long enough", 1.2]}, "a sentence that is long enough"),
    ],
)
def test_what_whisper_gets_stuck_in_is_heard_again(
    by_way_of_listening: dict[str, tuple[str, float]],
    heard: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class StuckWhisper:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def transcribe(self, _: object, **options: object) -> tuple[list[_Segment], _Info]:
            way = "plain" if options.get("without_timestamps") else "timestamps"
            way = "penalty" if "repetition_penalty" in options else way
            return [_Segment(*by_way_of_listening[way])], _Info()

    for name in ("config.json", "tokenizer.json", "model.bin"):
        (tmp_path / name).touch()
    monkeypatch.setattr("ezrvc_eval.metrics.whisper.WhisperModel", StuckWhisper)
    assert WhisperTranscriber(tmp_path).transcribe(speech_like(5.0, 16000)) == heard
