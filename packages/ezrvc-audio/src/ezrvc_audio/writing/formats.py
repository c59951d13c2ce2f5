"""The formats that can be written, and what each can hold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ezrvc_audio.errors import AudioError


@dataclass(frozen=True)
class AudioFormat:
    """One way to write sound.

    Attributes:
        suffix: the file name's end that asks for it.
        container: what the encoder calls the wrapping.
        codec: what the encoder calls the coding; for lossless formats it follows the bit depth.
        encoder: the library that writes it.
        bit_depths: bits a sample that may be asked for, the default first; none for lossy formats.
        sample_rates: rates it can hold, Hz, rising; None for any.
        max_channels: how many channels it can hold.
    """

    suffix: str
    container: str
    codec: str = ""
    encoder: Literal["libsndfile", "ffmpeg"] = "libsndfile"
    bit_depths: tuple[int, ...] = ()
    sample_rates: tuple[int, ...] | None = None
    max_channels: int = 255

    def writable_rate(self, sample_rate: int) -> int:
        """The rate itself if the format has it, else the next higher one, else the highest."""
        if self.sample_rates is None or sample_rate in self.sample_rates:
            return sample_rate
        higher = [rate for rate in self.sample_rates if rate > sample_rate]
        return min(higher, default=self.sample_rates[-1])


_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_AAC_RATES = (*_MP3_RATES, 64_000, 88_200, 96_000)

FORMATS = {
    audio_format.suffix: audio_format
    for audio_format in (
        AudioFormat(".wav", "WAV", bit_depths=(16, 24, 32)),
        AudioFormat(".flac", "FLAC", bit_depths=(16, 24), max_channels=8),
        AudioFormat(".mp3", "MP3", "MPEG_LAYER_III", sample_rates=_MP3_RATES, max_channels=2),
        AudioFormat(".ogg", "OGG", "VORBIS"),
        # libsndfile writes Opus too, but spoils the last 6 ms.
        AudioFormat(".opus", "ogg", "libopus", "ffmpeg", sample_rates=_OPUS_RATES, max_channels=2),
        AudioFormat(".m4a", "ipod", "aac", "ffmpeg", sample_rates=_AAC_RATES, max_channels=2),
    )
}
"""Every writable format by its suffix."""


def format_for(path: Path) -> AudioFormat:
    """The format that a file name asks for.

    Raises:
        AudioError: the suffix is none of `FORMATS`.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise AudioError(
            f"{path}: cannot write {path.suffix or 'a name without suffix'!r}; "
            f"use one of {', '.join(FORMATS)}"
        )
    return found
