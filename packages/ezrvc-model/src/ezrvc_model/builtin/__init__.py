"""The voices that ship with the package, a voice folder each; see `recipes/base_voice`."""

from pathlib import Path

from ezrvc_model.errors import ModelError

BASE = "base"
"""Name of the voice of several speakers that new voices start from."""
BUILT_IN_SCHEME = "builtin:"
"""Begins the address of a built-in voice where a name could mean one of the user's."""

_FOLDER = Path(__file__).parent


def built_in_folders() -> list[Path]:
    """The folders of the built-in voices, sorted."""
    return sorted(config.parent for config in _FOLDER.glob("*/config.yaml"))


def built_in_voice(name: str) -> Path:
    """The folder of a built-in voice.

    Raises:
        ModelError: no such voice ships with this installation.
    """
    for folder in built_in_folders():
        if folder.name == name:
            return folder
    there = ", ".join(folder.name for folder in built_in_folders()) or "none"
    raise ModelError(f"no built-in voice {name!r} in this installation; built in: {there}")
