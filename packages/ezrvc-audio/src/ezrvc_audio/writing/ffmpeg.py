"""M4A, encoded by FFmpeg's AAC encoder through PyAV."""

# PyAV types its packets in part only.
# pyright: reportUnknownMemberType=false

from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.error import FFmpegError

from ezrvc_audio.waveform import Samples
from ezrvc_audio.writing.encoder import EncoderError
from ezrvc_audio.writing.formats import AudioFormat

_BIT_RATE = 128_000  # a channel
_MAX_BITS_A_SAMPLE = 5  # the standard allows 6


class FFmpegEncoder:
    """A file that FFmpeg writes; its index stands at the front, so that it plays while it loads.

    Args:
        path: where to; its suffix means nothing.
        audio_format: one of the formats of FFmpeg.
        sample_rate: Hz, one that the format has.
        n_channels: 1 or 2.

    Raises:
        EncoderError: FFmpeg cannot write such a file.
    """

    def __init__(
        self, path: Path, audio_format: AudioFormat, sample_rate: int, n_channels: int
    ) -> None:
        self._sample_rate = sample_rate
        self._layout = "mono" if n_channels == 1 else "stereo"
        self._n_written = 0
        try:
            self._container = av.open(
                f"file:{path}",
                "w",
                format=audio_format.container,
                options={"movflags": "faststart"},
            )
            stream = self._container.add_stream("aac", rate=sample_rate)
        except (FFmpegError, UnicodeEncodeError) as error:
            raise EncoderError(f"FFmpeg: {error}") from error
        self._stream = stream
        self._stream.layout = self._layout
        self._stream.format = "fltp"
        self._stream.bit_rate = n_channels * min(_BIT_RATE, _MAX_BITS_A_SAMPLE * sample_rate)

    def write(self, samples: Samples) -> None:
        """Append samples, (n_channels, n_samples)."""
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout=self._layout
        )
        frame.sample_rate = self._sample_rate
        frame.pts = self._n_written
        self._n_written += samples.shape[1]
        self._encode(frame)

    def close(self) -> None:
        """Finish the file."""
        if self._n_written:
            self._encode(None)
        try:
            self._container.close()
        except FFmpegError as error:
            raise EncoderError(f"FFmpeg: {error}") from error

    def _encode(self, frame: AudioFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except FFmpegError as error:
            raise EncoderError(f"FFmpeg: {error}") from error
