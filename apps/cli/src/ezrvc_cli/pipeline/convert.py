"""From recordings to recordings in another voice: what goes in, and where it comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Literal

from ezrvc_audio.errors import AudioError
from ezrvc_audio.media import AUDIO_SUFFIXES
from ezrvc_model.conversion.key import AUTOMATIC
from ezrvc_model.conversion.speaker_curve import SpeakerCurve, read_speaker_curve
from ezrvc_model.conversion.speaker_mix import SpeakerMix
from ezrvc_model.conversion.speaker_track import Speaker
from ezrvc_model.voice_folder import resolve_voice, resolve_voice_of, voices_at_hand


@dataclass(frozen=True)
class TargetVoice:
    """Into what recordings are converted.

    Attributes:
        folder: of the voice.
        speaker: one speaker of it, or several mixed.
        label: what it is called in names of files.
        built_in: whether the voice ships with ezrvc.
    """

    folder: Path
    speaker: Speaker
    label: str
    built_in: bool

    @property
    def customary_pitch(self) -> float | Literal["auto"]:
        """The shift when none is asked for, semitones.

        Nobody knows by heart how high the speakers that ship speak: they are met at their height.
        One's own voice follows the recording, and so does a mix that changes.
        """
        moves = isinstance(self.speaker, SpeakerCurve)
        return AUTOMATIC if self.built_in and not moves else 0.0


def choose_target(
    models: Path,
    *,
    speaker: str | None = None,
    curve: Path | None = None,
    voice: str | None = None,
) -> TargetVoice:
    """Find the voice that is meant, and who of it is to speak.

    Args:
        models: folder of the voices.
        speaker: a name, or a mix as `ada:0.7,grace:0.3`; None: the voice's default speaker.
        curve: file of weights over time, instead of `speaker`.
        voice: name or folder of the voice, when several know the speaker.

    Raises:
        ModelError: there is no such voice or speaker, or the mix or curve cannot be.
    """
    if curve is not None:
        mixed = read_speaker_curve(curve)
    elif speaker is not None and _is_mix(models, speaker):
        mixed = SpeakerMix.parse(speaker)
    else:
        chosen = resolve_voice(models, speaker=speaker, voice=voice)
        return TargetVoice(chosen.folder, chosen.speaker, chosen.speaker, chosen.voice.built_in)
    summary = resolve_voice_of(models, mixed.speakers, voice)
    return TargetVoice(summary.folder, mixed, "+".join(mixed.speakers), summary.built_in)


def find_inputs(arguments: Sequence[str]) -> list[Path]:
    """The files to convert: those named, and the recordings directly in folders named.

    Raises:
        AudioError: something named is missing, or a folder holds no recording.
    """
    inputs: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            inputs.extend(_recordings_in(path))
        elif path.exists():
            inputs.append(path)
        else:
            raise AudioError(f"{path}: no such file or folder")
    return inputs


def plan_outputs(inputs: Sequence[Path], output: Path | None, voice: str) -> list[Path]:
    """Where each conversion goes.

    One input goes to `output` when that names a file. Several go into the folder `output`. Without
    `output`, each goes beside its input as `<stem>_<voice>.wav`.

    Raises:
        AudioError: several inputs were given one file as output, or a recording would be
            overwritten by its conversion.
    """
    if output is not None and not output.is_dir() and output.suffix:
        if len(inputs) > 1:
            raise AudioError(f"{output}: one file for {len(inputs)} inputs; name a folder")
        if output.exists() and output.samefile(inputs[0]):
            raise AudioError(f"{output}: is the recording itself; name another output")
        return [output]
    planned: list[Path] = []
    taken = set(inputs)
    for path in inputs:
        target = _free_name(output if output is not None else path.parent, path, voice, taken)
        taken.add(target)
        planned.append(target)
    return planned


def _is_mix(models: Path, text: str) -> bool:
    """Whether a text is meant as a mix: no name of a speaker, and it holds a weight."""
    return ":" in text and not any(text in each.speakers for each in voices_at_hand(models, []))


def _recordings_in(folder: Path) -> list[Path]:
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")
    )
    if not found:
        raise AudioError(f"{folder}: no recordings in this folder")
    return found


def _free_name(folder: Path, source: Path, voice: str, taken: set[Path]) -> Path:
    """`<stem>_<voice>.wav`; with the suffix, then a number, where that is taken."""
    stems = chain([source.stem, source.name], (f"{source.name}_{number}" for number in count(2)))
    names = (folder / f"{stem}_{voice}.wav" for stem in stems)
    return next(name for name in names if name not in taken)
