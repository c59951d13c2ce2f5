"""WAV, FLAC, MP3 and Ogg Vorbis, encoded by libsndfile."""

# soundfile ships types but no py.typed marker.
# pyright: reportMissingTypeStubs=false

from pathlib import Path

import numpy as np
import soundfile

from ezrvc_audio.waveform import Samples
from ezrvc_audio.writing.encoder import EncoderError
from ezrvc_audio.writing.formats import AudioFormat

_MAX_WAV_BYTES = (1 << 32) - 4096
_SUBTYPES = {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}
_COMPRESSION = {"MPEG_LAYER_III": 0.2, "VORBIS": 0.4}
"""Between 0 (best) and 1 (smallest): 150 to 190 kbit/s for stereo music."""
_REFUSED_BY_THE_SYSTEM = 2
"""The number of libsndfile's errors for whatever the system says."""


class SndfileEncoder:
    """A file that libsndfile writes.

    Args:
        path: where to; its suffix means nothing.
        audio_format: one of the formats of libsndfile.
        sample_rate: Hz, one that the format has.
        n_channels: how many channels.
        bit_depth: for lossless formats: 16 or 24 are integers, 32 is floating point.

    Raises:
        EncoderError: libsndfile cannot write such a file.
    """

    def __init__(
        self,
        path: Path,
        audio_format: AudioFormat,
        sample_rate: int,
        n_channels: int,
        bit_depth: int | None,
    ) -> None:
        self._bit_depth = bit_depth
        self._bytes_left = _MAX_WAV_BYTES if audio_format.container == "WAV" else None
        subtype = _SUBTYPES[bit_depth] if bit_depth else audio_format.codec
        compression = _COMPRESSION.get(subtype)
        try:
            self._sound = soundfile.SoundFile(
                path,
                "w",
                sample_rate,
                n_channels,
                format=audio_format.container,
                subtype=subtype,
                compression_level=compression,
                bitrate_mode="VARIABLE" if subtype == "MPEG_LAYER_III" else None,
            )
        except soundfile.LibsndfileError as error:
            raise EncoderError(f"libsndfile: {error.error_string}") from error

    def write(self, samples: Samples) -> None:
        """Append samples, (n_channels, n_samples)."""
        if self._bytes_left is not None:
            self._bytes_left -= samples.size * (self._bit_depth or 16) // 8
            if self._bytes_left < 0:
                raise EncoderError("a WAV file holds at most 4 GiB; write .flac instead")
        try:
            self._sound.write(self._coded(samples).T)
        except soundfile.LibsndfileError as error:
            raise EncoderError(_in_words(error)) from error

    def close(self) -> None:
        """Finish the file."""
        try:
            self._sound.close()
        except soundfile.LibsndfileError as error:
            raise EncoderError(_in_words(error)) from error

    def _coded(
        self, samples: Samples
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32 | np.int16 | np.int32]]:
        """Integers for integer formats, so that what was read from one is written back equal."""
        if self._bit_depth == 16:
            return np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
        if self._bit_depth == 24:
            scaled = np.rint(samples.astype(np.float64) * 2.0**23)
            # libsndfile keeps the upper 24 of 32 bits.
            return np.clip(scaled, -(2**23), 2**23 - 1).astype(np.int32) << 8
        return samples


def _in_words(error: soundfile.LibsndfileError) -> str:
    if error.code == _REFUSED_BY_THE_SYSTEM:  # which libsndfile does not tell apart
        return "the system takes no more of it; is there room on the disk?"
    return f"libsndfile: {error.error_string}"
