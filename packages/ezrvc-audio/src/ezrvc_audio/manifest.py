"""The list of clips of an experiment, one JSON object a line."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from ezrvc_audio.errors import AudioError
from ezrvc_device.atomic import write_text
from ezrvc_device.configuration import Section


class Clip(Section):
    """One segment of one speaker. It is not the recording it was cut from: that is `source`."""

    path: str
    """Relative to the experiment's folder, with forward slashes."""
    speaker: str
    source: str
    """The recording it was cut from, relative to the speaker's raw folder, forward slashes."""
    start_s: float
    """Where it starts in the source, seconds."""
    end_s: float
    """Where it ends in the source, seconds."""
    sha256: str
    """Of the clip's file."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


def read_manifest(path: Path) -> list[Clip]:
    """Read every clip of a manifest.

    Raises:
        AudioError: the manifest is missing or a line of it is not a clip.
    """
    try:
        # Not splitlines(): names may hold characters that it takes for line ends.
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}); run preprocess") from error
    clips: list[Clip] = []
    for number, line in enumerate(lines if lines != [""] else [], start=1):
        try:
            clips.append(Clip.model_validate_json(line))
        except ValidationError as error:
            raise AudioError(f"{path}, line {number}: not a clip") from error
    return clips


def manifest_text(clips: Iterable[Clip]) -> str:
    """A manifest as text."""
    return "".join(clip.model_dump_json() + "\n" for clip in clips)


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    """Write a manifest, whole or not at all."""
    write_text(path, manifest_text(clips))
