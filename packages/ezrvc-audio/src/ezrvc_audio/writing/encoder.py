"""What every encoder offers, and how it fails."""

from typing import Protocol

from ezrvc_audio.errors import AudioError
from ezrvc_audio.waveform import Samples


class EncoderError(AudioError):
    """An encoder's own reason; `AudioWriter` adds the file's name."""


class Encoder(Protocol):
    """An open file that sound is appended to."""

    def write(self, samples: Samples) -> None:
        """Append float32 samples, (n_channels, n_samples).

        Raises:
            EncoderError: they cannot be encoded or stored.
        """
        ...

    def close(self) -> None:
        """Finish the file.

        Raises:
            EncoderError: what was left cannot be stored.
        """
        ...
