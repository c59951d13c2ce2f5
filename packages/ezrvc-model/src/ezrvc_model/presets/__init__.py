"""Ready configurations: a YAML file per model size, opening with the command that runs it."""

import difflib
from pathlib import Path
from typing import Any

from ezrvc_device.configuration import load_yaml
from ezrvc_model.errors import ModelError

__all__ = ["load_preset", "preset_files", "preset_names"]

_FOLDER = Path(__file__).parent


def preset_files() -> tuple[Path, ...]:
    """The files of the presets, sorted."""
    return tuple(sorted(_FOLDER.glob("*.yaml")))


def preset_names() -> tuple[str, ...]:
    """The presets there are, sorted."""
    return tuple(path.stem for path in preset_files())


def load_preset(name: str) -> dict[str, Any]:
    """A preset as a tree with the sections `model`, `train` and, where it matters, `features`.

    Raises:
        ModelError: there is no such preset; names the nearest and lists all.
    """
    names = preset_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ModelError(f"no preset {name!r}; {hint}presets: {', '.join(names)}")
    return load_yaml(_FOLDER / f"{name}.yaml")
