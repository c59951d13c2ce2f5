"""Several sounds through one encoder at once."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch

from ezrvc_audio.waveform import Waveform
from ezrvc_features.content.base import ContentEncoder


@runtime_checkable
class BatchEncoder(ContentEncoder, Protocol):
    """A content encoder that takes several sounds in one pass of its network."""

    def encode_batch(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """The content of each, as `encode` would give it but for rounding."""
        ...


def encode_batch(encoder: ContentEncoder, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
    """The content of each sound: in one pass where the encoder can, else one after another.

    Raises:
        FeatureError: one of them is shorter than 20 ms.
    """
    if isinstance(encoder, BatchEncoder):
        return encoder.encode_batch(waveforms)
    return [encoder.encode(waveform) for waveform in waveforms]
