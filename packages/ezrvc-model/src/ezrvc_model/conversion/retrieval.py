"""Retrieval in a conversion: which vectors a speaker has, and how frames are moved by them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_features.retrieval import Retriever, protect_voiceless
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.conversion.speaker_track import Speaker
from ezrvc_model.errors import ModelError
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_retrieval import load_retrieval


class SpeakerRetrievers:
    """The retrievers of a voice's speakers, each read when it is first needed.

    Args:
        voice: whose folder holds them.
    """

    def __init__(self, voice: VoiceModel) -> None:
        self._voice = voice
        self._read: dict[str, Retriever] = {}

    def asked_for(self, speaker: Speaker, settings: ConversionSettings) -> Retriever | None:
        """The retriever of the speaker chosen; None where the settings do not ask for it.

        Raises:
            ModelError: the voice has none for that speaker, or it is damaged; or several speakers
                are mixed, whose content is nobody's.
        """
        if settings.retrieval_ratio == 0:
            return None
        name = self._voice.card.name
        if not isinstance(speaker, str):
            raise ModelError(
                f"{name}: retrieval goes with one speaker, not with a mix of them; leave "
                "retrieval_ratio at 0"
            )
        if speaker not in self._voice.retrieval:
            raise ModelError(
                f"{name}: this voice has no retrieval vectors for {speaker!r}; make them with "
                f"`ezrvc models retrieval {name}`, or leave retrieval_ratio at 0"
            )
        if speaker not in self._read:
            path = self._voice.retrieval[speaker]
            self._read[speaker] = load_retrieval(path, self._voice.config.content_dim)
        return self._read[speaker]


@dataclass(frozen=True, eq=False)
class ContentRetrieval:
    """What retrieval does to one recording.

    Attributes:
        retriever: of the target speaker.
        ratio: how much of what it finds.
        protect: see `ezrvc_features.retrieval.protect_voiceless`.
        voiced: of every frame of the recording, bool, (n_frames,).
    """

    retriever: Retriever
    ratio: float
    protect: float
    voiced: NDArray[np.bool_]

    @classmethod
    def of(
        cls, retriever: Retriever | None, settings: ConversionSettings, voiced: NDArray[np.bool_]
    ) -> "ContentRetrieval | None":
        """As the settings ask for it; None without a retriever."""
        if retriever is None:
            return None
        return cls(retriever, settings.retrieval_ratio, settings.protect, voiced)

    def blend(self, vectors: torch.Tensor) -> torch.Tensor:
        """Content vectors, (dim, n_content), moved towards the speaker's."""
        return self.retriever.blend(vectors, self.ratio)

    def protected(self, blended: torch.Tensor, original: torch.Tensor, start: int) -> torch.Tensor:
        """Content of the frames from `start` on, (dim, n_frames), voiceless ones mixed back."""
        voiced = torch.from_numpy(self.voiced[start : start + blended.shape[-1]].copy())
        return protect_voiceless(blended, original, voiced, self.protect)
