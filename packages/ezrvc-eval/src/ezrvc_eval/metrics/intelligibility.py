"""Can it be understood? Word and character error rates of what Whisper hears."""

import jiwer

from ezrvc_device.progress import Progress
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Score
from ezrvc_eval.metrics.text import normalise
from ezrvc_eval.metrics.whisper import Transcriber, WhisperTranscriber, find_whisper


class IntelligibilityMeter:
    """WER and CER against the text; where there is none, against what is heard in the reference.

    Args:
        transcriber: listens.
    """

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber

    def measure(self, take: Take) -> Measurement:
        """`wer` and `cer`, weighted by the words and characters of the text."""
        if take.text is not None:
            said, text = "text", take.text
        elif take.reference is not None:
            said, text = "heard in the reference", self._transcriber.transcribe(take.reference)
        else:
            return Measurement(notes=("wer, cer: there is neither a text nor a reference",))
        if not normalise(text):
            return Measurement(notes=(f"wer, cer: there are no words ({said})",))
        heard = self._transcriber.transcribe(take.converted)
        words, characters = error_rates(text, heard)
        return Measurement({"wer": words, "cer": characters}, texts={said: text, "heard": heard})


def error_rates(text: str, heard: str) -> tuple[Score, Score]:
    """Word and character error rate of what was heard; both texts are normalised first.

    Args:
        text: what should be heard; at least one word.
        heard: what was.

    Returns:
        WER weighted by words, CER weighted by characters (spaces count as one), so that means over
        recordings are those of all words and characters together.

    Raises:
        ValueError: the text holds no words.
    """
    expected, found = normalise(text), normalise(heard)
    if not expected:
        raise ValueError(f"an error rate needs words to compare with, got {text!r}")
    words = jiwer.process_words(expected, found)
    characters = jiwer.process_characters(expected, found)
    return Score(words.wer, len(expected.split())), Score(characters.cer, len(expected))


def load(config: EvaluationConfig, device: str, progress: Progress) -> IntelligibilityMeter:
    """Load Whisper.

    Raises:
        MissingWeightsError: it is not here and cannot be fetched.
        EvalError: the configuration names no model.
    """
    folder = find_whisper(config.whisper, progress)
    return IntelligibilityMeter(
        WhisperTranscriber(folder, device=config.whisper_device, language=config.language)
    )
