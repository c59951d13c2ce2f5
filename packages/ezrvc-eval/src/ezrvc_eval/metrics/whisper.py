"""Whisper, by faster-whisper: any size, from a folder or the Hub."""

import logging
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_device.errors import WeightsError
from ezrvc_device.processors import processor_count
from ezrvc_device.progress import Progress, silent
from ezrvc_device.weights import (
    UNVERIFIED,
    HubSource,
    WeightSpec,
    fetch,
    list_hub_files,
    weights_path,
    weights_present,
)
from ezrvc_eval.errors import EvalError, MissingWeightsError

SAMPLE_RATE = 16000
SIZES = {
    **{
        size: f"Systran/faster-whisper-{size}"
        for size in (
            *("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en"),
            *("large-v1", "large-v2", "large-v3"),
        )
    },
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
"""Sizes and the Hub repositories of their conversions to CTranslate2."""
_NEEDED = ("config.json", "tokenizer.json", "model.bin")
_ALSO = ("preprocessor_config.json", "vocabulary.json", "vocabulary.txt")


_LARGEST_COMPRESSION = 2.4
"""Text that gzip makes smaller than that goes round in circles (Whisper, section 4.5)."""
_REPETITION_PENALTY = 1.1
_FEWEST_CHARACTERS_PER_S = 4.0
"""Fewer: Whisper seems to have stopped early, as after a heading; speech has about 15."""


class _Heard(NamedTuple):
    text: str
    repeats: bool
    language: str


class Transcriber(Protocol):
    """Writes down what it hears."""

    def transcribe(self, waveform: Waveform) -> str:
        """The words that are spoken; empty when there are none."""
        ...


class WhisperTranscriber:
    """Whisper in 8-bit integers on a CPU, half precision on a GPU; no sampling.

    Recordings are decoded with a beam of 5 at temperature 0, without timestamps, each on its own.
    One whose text goes round in circles is heard again with a penalty on repetition, and one with
    hardly any text again with timestamps, which lead Whisper on to what follows a pause.

    Args:
        folder: the model in CTranslate2's format, with its tokenizer.
        device: `cpu` or `cuda`.
        language: of what is said, as `en`; None: that of the first recording with words in it.

    Raises:
        EvalError: the folder holds no such model, or the device cannot run it.
    """

    def __init__(self, folder: Path, *, device: str = "cpu", language: str | None = None) -> None:
        missing = [name for name in _NEEDED if not (folder / name).is_file()]
        if missing:
            raise EvalError(
                f"{folder}: is no Whisper model in CTranslate2's format: {missing[0]} is missing"
            )
        self._language = language
        logging.getLogger("faster_whisper").setLevel(logging.ERROR)
        try:
            self._model = WhisperModel(
                str(folder),
                device=device,
                compute_type="int8" if device == "cpu" else "float16",
                cpu_threads=processor_count(),
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise EvalError(f"{folder}: Whisper cannot be loaded on {device} ({error})") from error

    def transcribe(self, waveform: Waveform) -> str:
        """The words that are spoken; empty when there are none."""
        samples = resample(waveform.mono(), SAMPLE_RATE).samples[0]
        if not samples.any():
            return ""
        heard = self._listen(samples, without_timestamps=len(samples) <= 30 * SAMPLE_RATE)
        if heard.repeats:
            again = self._listen(samples, repetition_penalty=_REPETITION_PENALTY)
            heard = heard if again.repeats else again
        elif len(heard.text) < _FEWEST_CHARACTERS_PER_S * len(samples) / SAMPLE_RATE:
            again = self._listen(samples)
            heard = heard if again.repeats else max(heard, again, key=lambda each: len(each.text))
        if heard.text and self._language is None:
            self._language = heard.language
        return heard.text

    def _listen(self, samples: NDArray[np.float32], **options: Any) -> _Heard:
        """One pass over a recording."""
        try:
            found, info = self._model.transcribe(
                np.ascontiguousarray(samples),
                language=self._language,
                beam_size=5,
                temperature=0.0,
                condition_on_previous_text=False,
                **options,
            )
            segments = list(found)
        except ValueError as error:
            raise EvalError(
                f"Whisper cannot listen in language {self._language!r} ({error})"
            ) from error
        return _Heard(
            " ".join(segment.text.strip() for segment in segments),
            any(segment.compression_ratio > _LARGEST_COMPRESSION for segment in segments),
            info.language,
        )


def find_whisper(name: str, progress: Progress = silent) -> Path:
    """The folder of a Whisper model, fetched if it is not here yet.

    Args:
        name: a folder, a size (one of `SIZES`), or a Hub repository as `owner/name`.
        progress: told how far the download is.

    Raises:
        MissingWeightsError: the model is not here and cannot be fetched.
        EvalError: the name is none of these.
    """
    if Path(name).is_dir():
        return Path(name)
    repository = SIZES.get(name, name)
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise EvalError(
            f"no Whisper model {name!r}: give a folder, a Hub repository (owner/name) or one of "
            f"{', '.join(SIZES)}"
        )
    specs = {file: _spec(name, repository, file) for file in (*_NEEDED, *_ALSO)}
    if not all(weights_present(specs[file]) for file in _NEEDED):
        try:
            there = list_hub_files(repository).files
            # the model itself comes last: where it is, everything is
            for file in sorted(specs, key=lambda file: file == "model.bin"):
                if file in there or file in _NEEDED:
                    fetch(specs[file], progress)
        except WeightsError as error:
            raise MissingWeightsError(
                f"Whisper {name!r} is not here and cannot be fetched ({error}); get it where there "
                "is a network, or give a folder in CTranslate2's format: --whisper FOLDER"
            ) from error
    return weights_path(specs["model.bin"]).parent


def _spec(name: str, repository: str, file: str) -> WeightSpec:
    source = HubSource(repository, file, UNVERIFIED)
    return WeightSpec(f"whisper {name}", source, licence="MIT")
