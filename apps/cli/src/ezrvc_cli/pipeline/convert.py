"""From recordings to recordings in another voice."""

from collections.abc import Sequence
from pathlib import Path

from ezrvc_audio.errors import AudioError
from ezrvc_audio.media import AUDIO_SUFFIXES


def find_inputs(arguments: Sequence[str]) -> list[Path]:
    """The files to convert: those named, and the recordings directly in folders named.

    Raises:
        AudioError: something named is missing, or a folder holds no recording.
    """
    inputs: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            found = sorted(
                p
                for p in path.iterdir()
                if p.suffix.lower() in AUDIO_SUFFIXES and not p.name.startswith(".")
            )
            if not found:
                raise AudioError(f"{path}: no recordings in this folder")
            inputs.extend(found)
        elif path.exists():
            inputs.append(path)
        else:
            raise AudioError(f"{path}: no such file or folder")
    return inputs


def plan_outputs(
    inputs: Sequence[Path], output: Path | None, voice: str, suffix: str | None
) -> list[Path]:
    """Where each conversion goes.

    One input goes to `output` when that names a file. Several go into the folder `output`. Without
    `output`, each goes beside its input as `<stem>_<voice>.wav`.

    Raises:
        AudioError: several inputs were given one file as output.
    """
    names_a_file = output is not None and not output.is_dir() and output.suffix != ""
    if names_a_file and len(inputs) > 1:
        raise AudioError(
            f"{output}: is one file, but there are {len(inputs)} inputs; name a folder"
        )
    if output is not None and names_a_file:
        return [output]
    planned: list[Path] = []
    taken: set[Path] = set(inputs)
    for path in inputs:
        folder = output if output is not None else path.parent
        ending = suffix or ".wav"
        candidate = folder / f"{path.stem}_{voice}{ending}"
        if candidate in taken:  # two inputs of one stem: keep the original suffix in the name
            candidate = folder / f"{path.name}_{voice}{ending}"
        taken.add(candidate)
        planned.append(candidate)
    return planned
