"""The choice of a decoder for a file: libsndfile where it is at home, FFmpeg for all else."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading.ffmpeg import FFmpegDecoder
from ezrvc_audio.reading.headers import is_for_libsndfile, is_media, missing_wav_bytes
from ezrvc_audio.reading.info import AudioInfo
from ezrvc_audio.reading.sndfile import SndfileDecoder
from ezrvc_audio.reading.undecodable import UndecodableError
from ezrvc_audio.waveform import Samples


class Decoder(Protocol):
    """An open sound file."""

    @property
    def info(self) -> AudioInfo:
        """What the file says of itself."""
        ...

    def blocks(self) -> Iterator[Samples]:
        """Decode from start to end: float32, (n_channels, n_samples), none of them empty.

        Raises:
            AudioError: the file is damaged or ends before its header says.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


@contextmanager
def open_decoder(path: Path) -> Generator[Decoder]:
    """Open a sound file with the first decoder that understands it.

    Raises:
        AudioError: the file is missing, a folder, empty, truncated, not audio, or cannot be read.
    """
    with _open_file(path) as file:
        decoder = _first_that_understands(path, file)
        try:
            yield decoder
        finally:
            decoder.close()


@contextmanager
def _open_file(path: Path) -> Generator[BinaryIO]:
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise AudioError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise AudioError(f"{path}: is a folder, not a sound file; give the files in it") from error
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror})") from error
    with file:
        if file.seek(0, 2) == 0:
            raise AudioError(f"{path}: is empty (0 bytes); export or download it again")
        yield file


def _first_that_understands(path: Path, file: BinaryIO) -> Decoder:
    n_missing = missing_wav_bytes(file)
    if n_missing:
        raise AudioError(
            f"{path}: is truncated: its header promises {n_missing} more bytes of sound; "
            "export or download it again"
        )
    # The suffix is not asked: it may be wrong. MP3 goes to FFmpeg, because libsndfile's MP3 decoder
    # writes to the terminal about every tag it does not know; the samples are the same.
    decoders = (FFmpegDecoder, SndfileDecoder)
    if is_for_libsndfile(file):
        decoders = (SndfileDecoder, FFmpegDecoder)
    reasons: list[UndecodableError] = []
    for decoder in decoders:
        file.seek(0)
        try:
            return decoder(path, file)
        except UndecodableError as reason:
            reasons.append(reason)
    no_audio = next((reason for reason in reasons if reason.is_final), None)
    if no_audio is not None:
        raise AudioError(f"{path}: {no_audio}") from no_audio
    if is_media(file):
        raise AudioError(
            f"{path}: is truncated or damaged; export or download it again"
        ) from reasons[0]
    raise AudioError(
        f"{path}: is not a sound or video file that can be decoded; convert it to WAV first"
    ) from reasons[0]
