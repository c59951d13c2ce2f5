"""The public names, for type checkers and for the lazy loader alike."""

from .encoder import (
    SpeakerEncoder,
    load_speaker_encoder,
    mean_embedding,
    similarity,
    speaker_encoder_at_hand,
)

__all__ = [
    "SpeakerEncoder",
    "load_speaker_encoder",
    "mean_embedding",
    "similarity",
    "speaker_encoder_at_hand",
]
