"""M4A (AAC) and Opus, encoded by FFmpeg through PyAV."""

# PyAV types its packets in part only.
# pyright: reportUnknownMemberType=false

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.error import FFmpegError

from ezrvc_audio.waveform import Samples
from ezrvc_audio.writing.encoder import EncoderError
from ezrvc_audio.writing.formats import AudioFormat


@dataclass(frozen=True)
class _Codec:
    """How one codec wants its sound.

    Attributes:
        sample_format: FFmpeg's name of its samples: "fltp" one channel after another, "flt" mixed.
        bit_rate: bits a second for each channel.
        run_up: samples of silence before the start, which the file tells players to skip.
    """

    sample_format: Literal["flt", "fltp"]
    bit_rate: int
    run_up: int = 0


_CODECS = {
    # FFmpeg's AAC encoder gives its first frame too few bits: a sound that starts at once would
    # lose its attack, so the first frame is silence.
    "aac": _Codec("fltp", 128_000, run_up=1024),
    "libopus": _Codec("flt", 64_000),
}
_MAX_BITS_A_SAMPLE = 5  # AAC allows 6


class FFmpegEncoder:
    """A file that FFmpeg writes; an index stands at the front, so that it plays while it loads.

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
        self._codec = _CODECS[audio_format.codec]
        self._position = -self._codec.run_up
        # An MP4 file's own clock ticks once a sample, so that its length is exact.
        options = {"movflags": "faststart", "movie_timescale": str(sample_rate)}
        try:
            self._container = av.open(
                f"file:{path}",
                "w",
                format=audio_format.container,
                options=options if audio_format.container == "ipod" else {},
            )
            stream = self._container.add_stream(audio_format.codec, rate=sample_rate)
        except (FFmpegError, UnicodeEncodeError) as error:
            raise EncoderError(f"FFmpeg: {error}") from error
        self._stream = cast(AudioStream, stream)
        self._stream.layout = self._layout
        self._stream.format = self._codec.sample_format
        bit_rate = min(self._codec.bit_rate, _MAX_BITS_A_SAMPLE * sample_rate)
        self._stream.bit_rate = n_channels * bit_rate

    def write(self, samples: Samples) -> None:
        """Append samples, (n_channels, n_samples)."""
        if self._position < 0:
            samples = np.pad(samples, ((0, 0), (self._codec.run_up, 0)))
        if self._codec.sample_format == "flt":  # (n_channels, n_samples) -> (1, all mixed)
            samples = samples.T.reshape(1, -1)
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format=self._codec.sample_format, layout=self._layout
        )
        frame.sample_rate = self._sample_rate
        frame.pts = self._position
        self._position += frame.samples
        self._encode(frame)

    def close(self) -> None:
        """Finish the file."""
        if self._position > -self._codec.run_up:
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
