"""What file headers promise, to tell a whole file from a truncated one.

Decoders play what is there and stop; a recording that lost its end must not pass for a whole one.
"""

import struct
from typing import BinaryIO

_UNKNOWN_SIZES = (0, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF)
"""What programs write as the size when they cannot know it: the sound then goes to the end."""

_LIBSNDFILE_SIGNATURES = (b"RIFF", b"RF64", b"riff", b"FORM", b"fLaC", b"OggS", b"caff", b".snd")
_MATROSKA_SIGNATURE = b"\x1aE\xdf\xa3"


def is_for_libsndfile(file: BinaryIO) -> bool:
    """Whether the file begins as WAV, W64, AIFF, FLAC, Ogg, CAF or AU files do."""
    file.seek(0)
    return file.read(4) in _LIBSNDFILE_SIGNATURES


def is_media(file: BinaryIO) -> bool:
    """Whether the file begins as sound and video files do."""
    file.seek(0)
    head = file.read(8)
    is_other = head[4:] == b"ftyp" or head.startswith((b"ID3", _MATROSKA_SIGNATURE))
    return is_other or is_for_libsndfile(file)


def missing_wav_bytes(file: BinaryIO) -> int:
    """How many bytes of sound a WAV header promises beyond the end of the file; 0 for others."""
    file.seek(0)
    head = file.read(12)
    if not (head.startswith(b"RIFF") and head.endswith(b"WAVE")):
        return 0
    file_size = file.seek(0, 2)
    position = 12
    while position + 8 <= file_size:
        file.seek(position)
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            return 0 if size in _UNKNOWN_SIZES else max(0, position + 8 + size - file_size)
        position += 8 + size + size % 2
    return 0


def has_mp3_index(file: BinaryIO) -> bool:
    """Whether an MP3 file tells how many frames it has (a Xing or Info header)."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head.startswith(b"ID3") and len(head) == 10:
        # The size of an ID3v2 tag has seven bits in each byte.
        start = 10 + sum(
            byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
        )
    file.seek(start)
    first_frame = file.read(2048)
    return b"Xing" in first_frame or b"Info" in first_frame
