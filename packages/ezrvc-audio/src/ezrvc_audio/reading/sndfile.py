"""WAV, FLAC, Ogg Vorbis, Opus, AIFF and their like, decoded by libsndfile."""

# soundfile ships types but no py.typed marker.
# pyright: reportMissingTypeStubs=false

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import soundfile

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading.info import AudioInfo
from ezrvc_audio.reading.undecodable import UndecodableError
from ezrvc_audio.waveform import Samples

_BLOCK = 1 << 16
_UNKNOWN_LENGTH = 1 << 62
_PROMISES_LENGTH = frozenset(("AIFF", "AU", "CAF", "FLAC", "RF64", "W64", "WAV", "WAVEX"))


class SndfileDecoder:
    """A file open in libsndfile.

    Args:
        path: its name, for messages.
        file: the file, at its start; not closed here.

    Raises:
        UndecodableError: libsndfile does not know the format, or the header tells no length.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        try:
            # By descriptor: names in any alphabet work, and the suffix is not trusted.
            self._sound = soundfile.SoundFile(file.fileno(), closefd=False)
        except soundfile.LibsndfileError as error:
            raise UndecodableError(f"libsndfile: {error.error_string}") from error
        if self._sound.frames >= _UNKNOWN_LENGTH:
            self._sound.close()
            raise UndecodableError("libsndfile: the header tells no length")
        self.info = AudioInfo(
            path=path,
            container=self._sound.format.lower(),
            codec=self._sound.subtype.lower(),
            sample_rate=self._sound.samplerate,
            n_channels=self._sound.channels,
            n_samples=self._sound.frames,
        )

    def blocks(self) -> Iterator[Samples]:
        """Decode from start to end."""
        n_read = 0
        while True:
            try:
                block = self._sound.read(_BLOCK, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise AudioError(self._too_short(n_read)) from error
            if block.shape[0] == 0:
                break
            n_read += block.shape[0]
            yield np.ascontiguousarray(cast(Samples, block).T)
        if self._sound.format in _PROMISES_LENGTH and n_read < self.info.n_samples:
            raise AudioError(self._too_short(n_read))

    def close(self) -> None:
        """Let go of the file."""
        self._sound.close()

    def _too_short(self, n_read: int) -> str:
        return (
            f"{self.info.path}: is truncated or damaged: {self.info.n_samples} samples promised, "
            f"{n_read} readable; export or download it again"
        )
