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


@runtime_checkable
class Hearing(Protocol):
    """A content encoder that also says how it hears, so that made sound can be judged by it."""

    def hear(self, samples: torch.Tensor) -> list[torch.Tensor]:
        """What the network makes of sound on the way to its content, with gradients to the sound.

        Args:
            samples: (batch, n_samples), 16 kHz, on the encoder's device.

        Returns:
            One tensor a layer, (batch, n_frames, width), of deviation about 1 in each frame.
        """
        ...
