"""Names of clips: readable, stable, and safe on every file system.

A clip is `<stem>-<hash>-<number>.wav`. The stem is the recording's, in any script, without what a
shell or a file system could trip over; the hash is of the recording's path below its speaker's
folder, so that recordings named alike in other folders or with other suffixes stay apart.
"""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

from ezrvc_audio.errors import AudioError

_MAX_STEM_BYTES = 80
"""File systems allow names of 255 bytes; features and temporary files add to this one."""

_CLIP_NAME = re.compile(r"-[0-9a-f]{10}-\d{4,}\.wav$")


def clip_path(speaker: str, source: str, number: int) -> str:
    """Where a clip lies, relative to the experiment's folder, with forward slashes.

    Args:
        speaker: a name that `check_speaker` lets pass.
        source: the recording, relative to the speaker's raw folder, forward slashes.
        number: of the clip within the recording, from 1.
    """
    digest = hashlib.sha256(source.encode("utf-8")).hexdigest()[:10]
    return f"audio/{speaker}/{_stem(source)}-{digest}-{number:04d}.wav"


def is_clip_name(name: str) -> bool:
    """Whether a file is named as `clip_path` names clips."""
    return _CLIP_NAME.search(name) is not None


def check_speaker(name: str) -> str:
    """Return a speaker's name if it can be a folder's name and a part of a line.

    Raises:
        AudioError: it is empty, hidden, begins or ends in white space, or holds a slash, a
            backslash or a control character.
    """
    unseen = any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in name)
    if not name or name != name.strip() or name[0] == "." or unseen or set(name) & set("/\\"):
        raise AudioError(
            f"speaker {name!r}: cannot name a folder; leave out slashes, control characters, "
            "a leading dot and outer spaces"
        )
    return name


def _stem(source: str) -> str:
    """Letters, digits and marks of the recording's name; whatever else becomes a hyphen."""
    stem = unicodedata.normalize("NFC", PurePosixPath(source).stem)
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" or c == "_" else "-" for c in stem)
    cut = kept.encode("utf-8")[:_MAX_STEM_BYTES].decode("utf-8", "ignore")
    return re.sub("-+", "-", cut).strip("-") or "clip"
