"""Sound files out: whole or not at all, in the format that the file's suffix names.

WAV and FLAC hold integers of 16 bits by default or 24, WAV also 32-bit floating point; MP3, Ogg
Vorbis, Opus and M4A (AAC) are lossy. Samples beyond full scale are clipped, except in floating
point, and a warning is logged with their number. A sample rate that the format does not have is
raised to the next one that it has (Opus: 48 kHz).
"""

import logging
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ezrvc_audio.errors import AudioError
from ezrvc_audio.resampling import StreamResampler
from ezrvc_audio.waveform import Samples, Waveform
from ezrvc_audio.writing.encoder import Encoder, EncoderError
from ezrvc_audio.writing.ffmpeg import FFmpegEncoder
from ezrvc_audio.writing.formats import FORMATS, AudioFormat, format_for
from ezrvc_audio.writing.sndfile import SndfileEncoder
from ezrvc_device.atomic import atomic_file, sweep_temporaries_of

__all__ = ["FORMATS", "AudioFormat", "AudioWriter", "format_for", "write"]

_log = logging.getLogger(__name__)

_BLOCK = 1 << 16
"""Samples given to an encoder at once; libsndfile's Vorbis runs out of stack on far longer ones."""


def write(path: Path, waveform: Waveform, *, bit_depth: int | None = None) -> None:
    """Write a sound file, whole or not at all; missing folders are made.

    Args:
        path: where to; its suffix chooses the format (`FORMATS`).
        waveform: the sound.
        bit_depth: bits a sample of WAV (16, 24, 32: floating point) and FLAC (16, 24); None is 16.

    Raises:
        AudioError: the suffix is not known, the format cannot hold such a sound, or the place
            cannot be written.
    """
    with AudioWriter(
        path, waveform.sample_rate, waveform.n_channels, bit_depth=bit_depth
    ) as writer:
        writer.write(waveform)


class AudioWriter:
    """A sound file that grows block by block; it appears under its name when the block closes.

    Use it as a context manager. If the body raises, nothing is left behind and a file that was
    there before stays as it was.

    Args:
        path: where to; its suffix chooses the format (`FORMATS`).
        sample_rate: rate of what is written, Hz.
        n_channels: channels of what is written.
        bit_depth: bits a sample of WAV (16, 24, 32: floating point) and FLAC (16, 24); None is 16.

    Raises:
        AudioError: the suffix is not known, the format cannot hold such a sound, or the place
            cannot be written.
    """

    def __init__(
        self, path: Path, sample_rate: int, n_channels: int, *, bit_depth: int | None = None
    ) -> None:
        self._path = path
        self._format = format_for(path)
        self._sample_rate = sample_rate
        self._n_channels = n_channels
        self._bit_depth = _checked_bit_depth(path, self._format, bit_depth)
        self._resampler = StreamResampler(
            sample_rate, self._format.writable_rate(sample_rate), n_channels
        )
        if n_channels > self._format.max_channels:
            raise AudioError(
                f"{path}: {self._format.suffix} holds at most {self._format.max_channels} "
                f"channels, got {n_channels}; write .wav instead"
            )
        self._stack = ExitStack()
        self._encoder: Encoder | None = None
        self._n_written = 0
        self._n_clipped = 0

    def __enter__(self) -> Self:
        rate = self._format.writable_rate(self._sample_rate)
        if rate != self._sample_rate:
            _log.info("%s: written at %d Hz, not %d", self._path, rate, self._sample_rate)
        try:
            if self._path.is_dir():
                raise AudioError(f"{self._path}: is a folder; give the name of a file")
            with ExitStack() as stack:
                sweep_temporaries_of(self._path)
                temporary = stack.enter_context(atomic_file(self._path))
                temporary.touch()  # fails here with the system's own reason, if it has to
                self._encoder = self._open_encoder(temporary, rate)
                self._stack = stack.pop_all()
        except (OSError, EncoderError) as error:
            raise self._unwritable(error) from error
        return self

    def write(self, waveform: Waveform) -> None:
        """Append a block.

        Raises:
            AudioError: its rate or channels are not the file's, or the disk refuses it.
        """
        if (waveform.sample_rate, waveform.n_channels) != (self._sample_rate, self._n_channels):
            raise AudioError(
                f"{self._path}: expected {self._n_channels} channels at {self._sample_rate} Hz, "
                f"got {waveform.n_channels} at {waveform.sample_rate} Hz"
            )
        if self._encoder is None:
            raise AudioError(f"{self._path}: is not open; write inside the writer's with block")
        self._n_written += waveform.n_samples
        try:
            self._encode(self._encoder, self._resampler.push(waveform.samples))
        except EncoderError as error:
            raise self._unwritable(error) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            return
        if error is not None:
            with suppress(EncoderError):  # the file is given up: only `error` matters
                encoder.close()
            self._stack.__exit__(kind, error, trace)
            return
        try:
            with self._stack:
                self._finish(encoder)
        except (OSError, EncoderError) as failure:
            raise self._unwritable(failure) from failure
        if self._n_clipped:
            _log.warning("%s: clipped %d samples beyond full scale", self._path, self._n_clipped)

    def _open_encoder(self, temporary: Path, sample_rate: int) -> Encoder:
        if self._format.encoder == "ffmpeg":
            return FFmpegEncoder(temporary, self._format, sample_rate, self._n_channels)
        return SndfileEncoder(
            temporary, self._format, sample_rate, self._n_channels, self._bit_depth
        )

    def _encode(self, encoder: Encoder, samples: Samples) -> None:
        for start in range(0, samples.shape[1], _BLOCK):
            block = samples[:, start : start + _BLOCK]
            if self._bit_depth != 32:
                self._n_clipped += int(np.count_nonzero(np.abs(block) > 1.0))
                block = np.clip(block, -1.0, 1.0)
            encoder.write(block)

    def _finish(self, encoder: Encoder) -> None:
        self._encode(encoder, self._resampler.finish())
        encoder.close()
        if self._n_written == 0:
            raise AudioError(f"{self._path}: not written: there was no sound to write")

    def _unwritable(self, error: OSError | EncoderError) -> AudioError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return AudioError(f"{self._path}: cannot be written ({reason})")


def _checked_bit_depth(path: Path, audio_format: AudioFormat, bit_depth: int | None) -> int | None:
    known = audio_format.bit_depths
    if bit_depth is None:
        return known[0] if known else None
    if not known:
        raise AudioError(f"{path}: {audio_format.suffix} is lossy and has no bit depth")
    if bit_depth not in known:
        raise AudioError(
            f"{path}: {audio_format.suffix} holds {' or '.join(map(str, known))} bits, "
            f"not {bit_depth}"
        )
    return bit_depth
