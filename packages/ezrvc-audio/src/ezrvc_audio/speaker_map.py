"""Speaker names and the numbers that a model knows them by."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from ezrvc_audio.errors import AudioError


def read_speaker_map(path: Path) -> dict[str, int]:
    """Read `spk_map.json`: name to index, in the order of the indices.

    Raises:
        AudioError: the file is missing or is not a map of names to different indices.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}); run preprocess") from error
    except ValueError as error:
        raise AudioError(f"{path}: not JSON; delete it and run preprocess") from error
    entries = cast(dict[str, object], tree) if isinstance(tree, dict) else {}
    speakers = {name: index for name, index in entries.items() if type(index) is int}
    indices = sorted(speakers.values())
    if not speakers or len(speakers) != len(entries) or indices != list(range(len(indices))):
        raise AudioError(
            f"{path}: expected speaker names with the indices 0, 1, 2, …; "
            "delete it and run preprocess"
        )
    return dict(sorted(speakers.items(), key=lambda entry: entry[1]))


def extend_speaker_map(known: Mapping[str, int], speakers: Iterable[str]) -> dict[str, int]:
    """Give new speakers the next indices, in the order of their names; known ones keep theirs.

    A speaker who is no longer among `speakers` stays in the map: the index is never given away,
    since a trained model may hold that voice under it.
    """
    extended = dict(known)
    for name in sorted(set(speakers)):
        extended.setdefault(name, len(extended))
    return extended


def speaker_map_text(speakers: Mapping[str, int]) -> str:
    """A speaker map as JSON text."""
    return json.dumps(dict(speakers), ensure_ascii=False, indent=2) + "\n"
