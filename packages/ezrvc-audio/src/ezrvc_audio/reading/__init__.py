"""Sound files in: whatever libsndfile or FFmpeg understands becomes a `Waveform`.

WAV, FLAC, Ogg Vorbis, Opus and AIFF are read by libsndfile; MP3, M4A, AAC, MP4 and other video,
WebM and the rest by the FFmpeg inside PyAV. The first bytes choose, not the suffix; a file that the
first decoder does not understand is offered to the other.

A WAV, FLAC, AIFF, MP4 or indexed MP3 file that holds less than its header promises is truncated
and an error. Ogg, WebM and MP3 without an index promise nothing: what is there is read.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading.decoder import Decoder, open_decoder
from ezrvc_audio.reading.info import AudioInfo
from ezrvc_audio.resampling import StreamResampler
from ezrvc_audio.waveform import Samples, Waveform

__all__ = ["AudioInfo", "probe", "read", "stream"]


def probe(path: Path) -> AudioInfo:
    """Tell what a sound file holds without decoding it.

    Raises:
        AudioError: the file is missing, a folder, empty, not audio, or visibly truncated.
    """
    with open_decoder(path) as decoder:
        return decoder.info


def read(path: Path, *, sample_rate: int | None = None, mono: bool = False) -> Waveform:
    """Read a whole sound file.

    Args:
        path: any sound or video file.
        sample_rate: the rate to resample to, Hz; None keeps the file's.
        mono: whether to mix all channels to one (their mean).

    Raises:
        AudioError: the file is missing, a folder, empty, truncated, damaged or not audio, holds no
            samples, or holds NaN or infinity.
    """
    with open_decoder(path) as decoder:
        rate = sample_rate or decoder.info.sample_rate
        pieces = list(_pieces(decoder, sample_rate=rate, mono=mono))
    return Waveform(np.concatenate(pieces, axis=1), rate)


def stream(
    path: Path, *, block_s: float = 30.0, sample_rate: int | None = None, mono: bool = False
) -> Iterator[Waveform]:
    """Read a sound file block by block; memory does not grow with its length.

    The blocks one after another are exactly what `read` returns.

    Args:
        path: any sound or video file.
        block_s: length of each block but the last, seconds.
        sample_rate: the rate to resample to, Hz; None keeps the file's.
        mono: whether to mix all channels to one (their mean).

    Yields:
        Blocks of `round(block_s * rate)` samples, the last one shorter, never empty.

    Raises:
        AudioError: as `read`; for a truncated file after what could be read.
    """
    with open_decoder(path) as decoder:
        rate = sample_rate or decoder.info.sample_rate
        n_block = max(1, round(block_s * rate))
        waiting: list[Samples] = []
        n_waiting = 0
        for piece in _pieces(decoder, sample_rate=rate, mono=mono):
            waiting.append(piece)
            n_waiting += piece.shape[1]
            if n_waiting < n_block:
                continue
            joined = np.concatenate(waiting, axis=1)
            n_ready = n_waiting - n_waiting % n_block
            for start in range(0, n_ready, n_block):
                yield Waveform(joined[:, start : start + n_block].copy(), rate)
            waiting, n_waiting = [joined[:, n_ready:].copy()], n_waiting - n_ready
        if n_waiting:
            yield Waveform(np.concatenate(waiting, axis=1), rate)


def _pieces(decoder: Decoder, *, sample_rate: int, mono: bool) -> Iterator[Samples]:
    """The sound as asked for, in pieces that depend on the file alone, so that any use is equal."""
    info = decoder.info
    resampler = StreamResampler(info.sample_rate, sample_rate, 1 if mono else info.n_channels)
    n_read, n_given = 0, 0
    for block in decoder.blocks():
        if not np.isfinite(block).all():
            raise AudioError(
                f"{info.path}: holds values that are not finite (NaN or infinity); export it again"
            )
        n_read += block.shape[1]
        piece = resampler.push(block.mean(axis=0, keepdims=True) if mono else block)
        n_given += piece.shape[1]
        if piece.shape[1]:
            yield piece
    if n_read == 0:
        raise AudioError(f"{info.path}: holds no sound (0 samples); export it again")
    rest = resampler.finish()
    if rest.shape[1]:
        yield rest
    elif n_given == 0:
        raise AudioError(f"{info.path}: is too short ({n_read} samples) for {sample_rate} Hz")
