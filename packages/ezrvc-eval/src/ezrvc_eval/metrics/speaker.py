"""Whose voice is it? Cosines between speaker vectors."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.reading import read
from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import MissingWeightsError
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Score
from ezrvc_features.errors import FeatureError
from ezrvc_features.speaker import load_speaker_encoder, mean_embedding, similarity


class VoiceEmbedder(Protocol):
    """Any speaker encoder: `ezrvc_features.SpeakerEncoder` is one."""

    def embed(self, waveform: Waveform) -> NDArray[np.float32]:
        """The vector of the voice that is heard, (dim,).

        Raises:
            FeatureError: there is too little sound.
        """
        ...


class SpeakerMeter:
    """Compares a recording with the target voice and with the source.

    Args:
        embedder: tells voices apart.
    """

    def __init__(self, embedder: VoiceEmbedder) -> None:
        self._embedder = embedder
        self._targets: dict[tuple[Path, ...], NDArray[np.float32]] = {}

    def measure(self, take: Take) -> Measurement:
        """`speaker_similarity`; with a source `source_similarity` and `nearer_target` too."""
        if not take.target and take.reference is None:
            return Measurement(notes=("speaker_similarity: there is no recording of the voice",))
        embedding = self._embedder.embed(take.converted)
        scores: dict[str, Score] = {}
        if take.target:
            target = self._target(take.target)
            scores["speaker_similarity"] = Score(similarity(embedding, target))
        if take.reference is not None:
            alike = Score(similarity(embedding, self._embedder.embed(take.reference)))
            scores["source_similarity" if take.target else "speaker_similarity"] = alike
        if len(scores) == 2:
            nearer = scores["speaker_similarity"].value > scores["source_similarity"].value
            scores["nearer_target"] = Score(float(nearer))
        return Measurement(scores)

    def _target(self, recordings: tuple[Path, ...]) -> NDArray[np.float32]:
        """The voice of several recordings; those too short to tell are left out."""
        if recordings not in self._targets:
            embeddings: list[NDArray[np.float32]] = []
            for path in recordings:
                try:
                    embeddings.append(self._embedder.embed(read(path, mono=True)))
                except FeatureError:
                    continue  # too short or silent: the others tell
            if not embeddings:
                raise FeatureError(
                    f"{recordings[0]}: neither it nor the other target recordings hold enough sound"
                )
            self._targets[recordings] = mean_embedding(embeddings)
        return self._targets[recordings]


def load(config: EvaluationConfig, device: str, progress: Progress) -> SpeakerMeter:
    """Load the speaker encoder of ezrvc-features.

    Raises:
        MissingWeightsError: its weights are not here and cannot be fetched.
    """
    try:
        encoder = load_speaker_encoder(device, weights=config.speaker_weights, progress=progress)
    except FeatureError as error:
        raise MissingWeightsError(str(error)) from error
    return SpeakerMeter(encoder)
