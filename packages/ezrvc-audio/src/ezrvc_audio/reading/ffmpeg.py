"""MP3, M4A, AAC, MP4, WebM and whatever else FFmpeg reads, decoded through PyAV."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading.headers import has_mp3_index
from ezrvc_audio.reading.info import AudioInfo
from ezrvc_audio.reading.undecodable import UndecodableError
from ezrvc_audio.waveform import Samples

_log = logging.getLogger(__name__)

_MAX_PADDING = 4096
"""Samples that an encoder may have added to fill its last frame (HE-AAC: two of 2048)."""
_MAX_DAMAGED = 0.1
"""Share of packets that may fail before the file counts as damaged."""
_MAX_MISSING_S = 0.25
"""How much less than promised is still whole: headers count in packets and in edited time."""


class FFmpegDecoder:
    """The best audio stream of a file open in FFmpeg.

    Samples that an encoder put before the sound (its delay) are left out where the file tells of
    them, and so are those after its end. Sound starts at its first sample, also where a video
    starts earlier.

    Args:
        path: its name, for messages.
        file: the file; not closed here.

    Raises:
        UndecodableError: FFmpeg does not know the format, or nothing in it can be decoded.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._n_packets = 0
        self._n_damaged = 0
        has_index = has_mp3_index(file)
        self._container = _open(file)
        try:
            duration_s = _duration_s(self._container)
            if duration_s is None:  # a recorder that was never told the end: count, then rewind
                duration_s = _counted_s(self._container)
                self._container.close()
                self._container = _open(file)
            self._stream = _audio_stream(self._container)
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                raise UndecodableError("FFmpeg: nothing in it can be decoded")
        except UndecodableError:
            self._container.close()
            raise
        container = self._container.format.name
        self._is_promise = self._stream.duration is not None and (
            has_index if container == "mp3" else "mp4" in container.split(",")
        )
        self.info = AudioInfo(
            path=path,
            container=container,
            codec=self._stream.codec_context.name,
            sample_rate=self._first.sample_rate,
            n_channels=self._first.layout.nb_channels,
            n_samples=round(duration_s * self._first.sample_rate),
            has_video=any(
                not video.disposition & Disposition.attached_pic
                for video in self._container.streams.video
            ),
        )

    def blocks(self) -> Iterator[Samples]:
        """Decode from start to end."""
        promised = self.info.n_samples if self._is_promise else None
        n_decoded = 0
        held: list[Samples] = []  # what follows the promised end: padding, if it is short
        for block in self._all_blocks():
            kept = block
            if promised is not None:
                kept = block[:, : max(0, promised - n_decoded)]
                if kept.shape[1] < block.shape[1]:
                    held.append(block[:, kept.shape[1] :])
                if n_decoded + block.shape[1] > promised + _MAX_PADDING:
                    kept = np.concatenate([kept, *held], axis=1)  # the promise was wrong
                    promised = None
            n_decoded += block.shape[1]
            if kept.shape[1]:
                yield kept
        self._check_whole(n_decoded)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def _all_blocks(self) -> Iterator[Samples]:
        first, self._first = self._first, None
        if first is None:
            raise AudioError(f"{self._path}: is already decoded; open it again")
        yield self._to_samples(first)
        for frame in self._frames:
            yield self._to_samples(frame)

    def _decode(self) -> Iterator[AudioFrame]:
        """Every frame that can be decoded; counts the packets that cannot."""
        try:
            for packet in self._container.demux(self._stream):
                self._n_packets += 1
                try:
                    frames = packet.decode()
                except FFmpegError:
                    self._n_damaged += 1
                    continue
                for frame in frames:
                    if frame.samples:
                        yield frame
        except FFmpegError as error:
            raise UndecodableError(
                f"{self._path}: is truncated or damaged ({error.strerror}); "
                "export or download it again"
            ) from error

    def _to_samples(self, frame: AudioFrame) -> Samples:
        """(n_channels, n_samples), integers scaled so that full scale is 1."""
        n_channels = frame.layout.nb_channels
        if n_channels != self.info.n_channels or frame.sample_rate != self.info.sample_rate:
            raise AudioError(
                f"{self._path}: changes its sample rate or channels on the way; "
                "convert it to WAV first"
            )
        coded = frame.to_ndarray()
        if not frame.format.is_planar:
            coded = coded.reshape(-1, n_channels).T
        return np.ascontiguousarray(_scaled(coded))

    def _check_whole(self, n_decoded: int) -> None:
        missing_s = (self.info.n_samples - n_decoded) / self.info.sample_rate
        if self._is_promise and missing_s > _MAX_MISSING_S:
            raise AudioError(
                f"{self._path}: is truncated or damaged: {self.info.duration_s:.2f} s promised, "
                f"{n_decoded / self.info.sample_rate:.2f} s readable; export or download it again"
            )
        if self._n_damaged > _MAX_DAMAGED * self._n_packets:
            raise AudioError(
                f"{self._path}: is damaged: {self._n_damaged} of {self._n_packets} packets cannot "
                "be decoded; export or download it again"
            )
        if self._n_damaged:
            _log.warning(
                "%s: skipped %d damaged packets of %d",
                self._path,
                self._n_damaged,
                self._n_packets,
            )


def _open(file: BinaryIO) -> InputContainer:
    file.seek(0)
    try:
        return av.open(
            file,
            mode="r",
            metadata_errors="replace",
            # A playlist may name other files; the network it may not reach.
            options={"protocol_whitelist": "file"},
        )
    except (FFmpegError, ValueError) as error:
        raise UndecodableError(f"FFmpeg: {error}") from error


def _audio_stream(container: InputContainer) -> AudioStream:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise UndecodableError("has no audio stream; give a file with sound", is_final=True)
    return stream


def _duration_s(container: InputContainer) -> Fraction | None:
    """What the file says; None where it does not."""
    stream = _audio_stream(container)
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    if container.duration is not None:
        return Fraction(container.duration, av.time_base)
    return None


def _counted_s(container: InputContainer) -> Fraction:
    """The length of all packets together, from reading the file once without decoding it."""
    stream = _audio_stream(container)
    n_ticks = 0
    try:
        for packet in container.demux(stream):
            n_ticks += packet.duration or 0
    except FFmpegError as error:
        raise UndecodableError(f"FFmpeg: {error}") from error
    return n_ticks * (stream.time_base or Fraction(0))


def _scaled(coded: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Samples:
    """Integers of any width to -1..1; floating point as it is."""
    samples = coded.astype(np.float32)
    if np.issubdtype(coded.dtype, np.integer):
        half = 2.0 ** (8 * coded.dtype.itemsize - 1)
        samples -= half if coded.dtype.kind == "u" else 0.0
        samples /= half
    return samples
