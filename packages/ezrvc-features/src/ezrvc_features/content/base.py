"""What a content encoder is."""

from typing import Protocol, runtime_checkable

import torch

from ezrvc_audio.waveform import Waveform


@runtime_checkable
class ContentEncoder(Protocol):
    """Turns speech into a sequence of vectors that say what is spoken."""

    @property
    def name(self) -> str:
        """The registry's name of the encoder."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same input may give other vectors; part of the cache key."""
        ...

    @property
    def dim(self) -> int:
        """Length of each vector."""
        ...

    @property
    def frame_rate_hz(self) -> float:
        """Vectors a second."""
        ...

    def encode(self, waveform: Waveform) -> torch.Tensor:
        """Content of a mono waveform of any rate: float32, (dim, n_frames), on the CPU.

        At least one frame, for any input of at least 20 ms. The encoder resamples to what it
        needs (16 kHz).
        """
        ...
