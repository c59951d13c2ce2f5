"""The recordings of every speaker, found and identified."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ezrvc_audio.errors import AudioError
from ezrvc_audio.media import AUDIO_SUFFIXES
from ezrvc_audio.preparation.ledger import SourceKey
from ezrvc_audio.preparation.naming import check_speaker


@dataclass(frozen=True)
class Source:
    """One recording of one speaker.

    Attributes:
        speaker: whose voice it is.
        name: its path relative to the speaker's raw folder, with forward slashes.
        path: where it is.
    """

    speaker: str
    name: str
    path: Path

    @property
    def key(self) -> SourceKey:
        """What names it within the experiment."""
        return self.speaker, self.name


@dataclass(frozen=True)
class Digest:
    """What a file holds, in short."""

    size: int
    sha256: str


def find_sources(raw: Mapping[str, Path]) -> tuple[list[Source], list[Path]]:
    """Every recording below each speaker's folder, in order of speaker and name.

    Returns:
        The recordings, and the files left aside since their suffix is not one of sound or video;
        hidden files are neither.

    Raises:
        AudioError: no speaker is given, or a speaker's name or folder cannot be used.
    """
    if not raw:
        raise AudioError("no speaker is given: name at least one folder of recordings")
    sources: list[Source] = []
    ignored: list[Path] = []
    for speaker, folder in sorted(raw.items()):
        check_speaker(speaker)
        if not folder.is_dir():
            raise AudioError(f"{folder}: no such folder; put the recordings of {speaker!r} there")
        for path in _visible_files(folder):
            if path.suffix.lower() in AUDIO_SUFFIXES:
                sources.append(Source(speaker, _readable(path.relative_to(folder)), path))
            else:
                ignored.append(path)
    return sorted(sources, key=lambda source: source.key), sorted(ignored)


def digest(path: Path) -> Digest:
    """Size and SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Digest(os.fstat(file.fileno()).st_size, sha256)


def _readable(path: Path) -> str:
    """A path as text that can be stored: bytes that are not UTF-8 are written out."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _visible_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in files if not name.startswith(".")]
    return found
