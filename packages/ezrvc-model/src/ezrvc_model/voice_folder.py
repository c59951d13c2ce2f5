"""A voice as a folder on disk, read without loading the network.

A voice folder holds

- `config.yaml`: `VoiceConfig`, every number needed to run the voice;
- `generator.safetensors`: the generator's tensors, as inference uses them;
- `card.yaml`: `VoiceCard`, and `README.md`: the same for people;
- `discriminator.safetensors`, where training is to be able to start from it;
- `retrieval/`, where there is retrieval: see `ezrvc_model.voice_retrieval`.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from ezrvc_device.atomic import is_temporary
from ezrvc_device.configuration import Section, load_yaml
from ezrvc_device.errors import ConfigurationError
from ezrvc_features.config import FeatureConfig
from ezrvc_model.builtin import built_in_folders
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.voice_card import VoiceCard

NOISE_SCALE = 0.4
"""Of the prior, unless a voice says otherwise."""
MOST_NOISE = 2.0
FORMAT_VERSION = 1
"""Of the voice folder; raised whenever older programs could not read what is written."""
CONFIG_NAME = "config.yaml"
GENERATOR_NAME = "generator.safetensors"
DISCRIMINATOR_NAME = "discriminator.safetensors"
CARD_NAME = "card.yaml"
README_NAME = "README.md"
EXPORT_NAME = "voice"
"""Where a training run's folder keeps its exported voice."""


class VoiceConfig(Section):
    """Everything but the weights that is needed to run a voice."""

    format_version: int = FORMAT_VERSION
    synthesizer: SynthesizerConfig
    features: FeatureConfig = FeatureConfig()
    speakers: dict[str, int] = Field(min_length=1)
    """Speaker name to row of the speaker table."""
    default_speaker: str | None = None
    """Who speaks when nobody is asked for; None: the first row of the speaker table."""
    encoder_version: str | None = None
    """Version of the content encoder that the voice was trained with, where known."""
    stretch: Literal["nearest", "left"] = "nearest"
    """How content is brought to the frame grid, see `ezrvc_features.alignment`."""
    unvoiced: Literal["interpolate", "zero"] = "interpolate"
    """What the generator is given as F0 of unvoiced frames (RVC: zero)."""
    noise_scale: float = Field(default=NOISE_SCALE, ge=0, le=MOST_NOISE)
    """How much the latent varies when nobody asks for more or less."""
    generator_sha256: str = ""
    """Of `generator.safetensors`; empty before it is written."""

    @model_validator(mode="after")
    def _speakers_fit(self) -> Self:
        rows = sorted(self.speakers.values())
        if len(set(rows)) != len(rows):
            raise ValueError(f"two speakers share a row of the speaker table: {self.speakers}")
        if rows[0] < 0 or rows[-1] >= self.synthesizer.n_speakers:
            raise ValueError(
                f"speaker rows {rows} do not fit a table of {self.synthesizer.n_speakers}"
            )
        if self.default_speaker is not None and self.default_speaker not in self.speakers:
            raise ValueError(f"default_speaker {self.default_speaker!r} is not among speakers")
        return self

    @property
    def speaker_by_default(self) -> str:
        """Who speaks when nobody is asked for."""
        return self.default_speaker or min(self.speakers, key=self.speakers.__getitem__)

    def speaker_row(self, speaker: str) -> int:
        """The row of a speaker in the speaker table.

        Raises:
            ModelError: no such speaker; names the nearest one and lists all.
        """
        if speaker not in self.speakers:
            raise ModelError(unknown("speaker", speaker, self.speakers))
        return self.speakers[speaker]


@dataclass(frozen=True)
class VoiceSummary:
    """What can be said of a voice without loading it.

    Attributes:
        name: how the voice is asked for: the name of its (training) folder.
        folder: the voice folder itself.
        speakers: names, in the order of the speaker table.
        default_speaker: who speaks when nobody is asked for.
        sample_rate: Hz.
        encoder: name of the content encoder it needs.
        steps: that it was trained for; None: not known.
        untrained: whether training was too short for the voice to be judged.
        note: what its maker says of its training.
        licence: under which terms it may be used; empty: not stated.
        created: when it was made, ISO 8601; empty: not stated.
        n_bytes: of the folder's files together.
        built_in: whether it ships with the package.
        descriptions: what speakers sound like, by name, where the card says so.
    """

    name: str
    folder: Path
    speakers: tuple[str, ...]
    default_speaker: str
    sample_rate: int
    encoder: str
    steps: int | None
    untrained: bool
    note: str
    licence: str
    created: str
    n_bytes: int
    built_in: bool = False
    descriptions: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class VoiceChoice:
    """A voice and who of it is to speak.

    Attributes:
        voice: the voice.
        speaker: one of its speakers.
    """

    voice: VoiceSummary
    speaker: str

    @property
    def folder(self) -> Path:
        """The voice's folder."""
        return self.voice.folder


def is_voice_folder(folder: Path) -> bool:
    """Whether a folder looks like a voice (not whether it is a sound one)."""
    return (folder / CONFIG_NAME).is_file() and (folder / GENERATOR_NAME).is_file()


def read_voice_config(folder: Path) -> VoiceConfig:
    """Read `config.yaml` of a voice folder.

    Raises:
        ModelError: it is missing or not valid, or was written by a newer program.
    """
    path = folder / CONFIG_NAME
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such voice folder; `ezrvc voices` lists what is at hand")
    if not is_voice_folder(folder):
        raise ModelError(f"{folder}: not a voice, it lacks {CONFIG_NAME} or {GENERATOR_NAME}")
    try:
        tree = load_yaml(path)
        version = tree.get("format_version")
        if version != FORMAT_VERSION:
            raise ModelError(
                f"{path}: format version {version!r}, this program reads {FORMAT_VERSION}; "
                "update ezrvc or export the voice again"
            )
        return VoiceConfig.from_tree(tree, source=str(path))
    except ConfigurationError as error:
        raise ModelError(f"{error}; copy or export the voice again") from error


def read_voice_card(folder: Path) -> VoiceCard:
    """Read `card.yaml` of a voice folder; a voice without one has a card that only names it.

    Raises:
        ModelError: the card is not valid.
    """
    path = folder / CARD_NAME
    if not path.exists():
        return VoiceCard(name=voice_name(folder))
    try:
        return VoiceCard.from_tree(load_yaml(path), source=str(path))
    except ConfigurationError as error:
        raise ModelError(f"{error}; correct the card or export the voice again") from error


def voice_name(folder: Path) -> str:
    """How a voice folder is asked for: an exported voice goes by its run's name."""
    return folder.parent.name if folder.name == EXPORT_NAME else folder.name


def summarize_voice(folder: Path) -> VoiceSummary:
    """What a voice folder holds, from its configuration and card alone.

    Raises:
        ModelError: the configuration or card cannot be read.
    """
    config = read_voice_config(folder)
    card = read_voice_card(folder)
    return VoiceSummary(
        name=voice_name(folder),
        folder=folder,
        speakers=tuple(sorted(config.speakers, key=config.speakers.__getitem__)),
        default_speaker=config.speaker_by_default,
        sample_rate=config.synthesizer.sample_rate,
        encoder=config.features.encoder,
        steps=card.training.steps,
        untrained=card.training.untrained,
        note=card.training.note,
        licence=card.licence,
        created=card.created,
        n_bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        built_in=folder in built_in_folders(),
        descriptions=dict(card.speakers),
    )


def voice_folders(models: Path) -> list[Path]:
    """Every voice folder below a models folder: `<name>/` itself, or `<name>/voice/`; sorted."""
    if not models.is_dir():
        return []
    children = sorted(child for child in models.iterdir() if not is_temporary(child))
    candidates = [folder for child in children for folder in (child, child / EXPORT_NAME)]
    return [folder for folder in candidates if is_voice_folder(folder)]


def find_voices(models: Path, problems: list[str] | None = None) -> list[VoiceSummary]:
    """Describe every voice below a models folder, sorted by folder.

    Args:
        models: the folder that holds voices and training runs.
        problems: takes one line for each voice that cannot be read; the others are still found.

    Raises:
        ModelError: a voice cannot be read and `problems` was not given.
    """
    voices: list[VoiceSummary] = []
    for folder in voice_folders(models):
        try:
            voices.append(summarize_voice(folder))
        except ModelError as error:
            if problems is None:
                raise
            problems.append(str(error))
    return voices


def voices_at_hand(models: Path, problems: list[str] | None = None) -> list[VoiceSummary]:
    """The voices below a models folder, then those built in; arguments as for `find_voices`."""
    return [*find_voices(models, problems), *map(summarize_voice, built_in_folders())]


def resolve_voice(
    models: Path, speaker: str | None = None, voice: str | None = None
) -> VoiceChoice:
    """Decide which voice and speaker are meant.

    A voice is a name below `models` or the path of a voice folder. Without a voice, the one that
    knows the speaker is taken (one named like the speaker first, then the newest). Without either,
    the only voice, else the one named `default`, else the newest; and its default speaker. A voice
    that cannot be read matters only when no other one will do. Built-in voices come after all
    below `models`.

    Raises:
        ModelError: no voice at hand, or an unknown voice or speaker; names the nearest and lists
            all.
    """
    if voice is not None:
        summary = _voice_called(models, voice)
        return VoiceChoice(summary, _speaker_of(summary, speaker))
    problems: list[str] = []
    own = find_voices(models, problems)
    if problems and not own and speaker is None:
        raise ModelError(problems[0])
    at_hand = [*own, *map(summarize_voice, built_in_folders())]
    for voices in (own, at_hand):
        chosen = _choose(voices, speaker)
        if chosen is not None:
            return chosen
    if speaker is not None and at_hand:
        raise ModelError(unknown("speaker", speaker, {s for v in at_hand for s in v.speakers}))
    raise ModelError(
        problems[0]
        if problems
        else f"{models}: no voice here yet; make one with `ezrvc train` or put a voice there"
    )


def _choose(voices: list[VoiceSummary], speaker: str | None) -> VoiceChoice | None:
    """Who is meant among some voices; None: nobody."""
    if not voices:
        return None
    if speaker is None:
        chosen = _preferred(voices, "default")
        return VoiceChoice(chosen, chosen.default_speaker)
    knowing = [summary for summary in voices if speaker in summary.speakers]
    if knowing:
        return VoiceChoice(_preferred(knowing, speaker), speaker)
    for summary in voices:
        if summary.name == speaker:
            return VoiceChoice(summary, summary.default_speaker)
    return None


def resolve_voice_of(
    models: Path, speakers: Sequence[str], voice: str | None = None
) -> VoiceSummary:
    """Decide which voice is meant by several of its speakers.

    Without a voice, the newest that knows them all is taken.

    Raises:
        ModelError: no voice at hand, an unknown voice or speaker (names the nearest), or no voice
            that knows all of them.
    """
    if voice is not None:
        return _voice_called(models, voice)
    if len(speakers) == 1:
        return resolve_voice(models, speakers[0]).voice
    voices = voices_at_hand(models, [])
    known = {speaker for summary in voices for speaker in summary.speakers}
    for speaker in speakers:
        if speaker not in known:
            raise ModelError(unknown("speaker", speaker, known))
    knowing = [summary for summary in voices if set(speakers) <= set(summary.speakers)]
    if not knowing:
        raise ModelError(
            f"no voice knows {' and '.join(map(repr, speakers))} together: only speakers of one "
            "voice can be mixed (`ezrvc models blend` averages voices)"
        )
    return _preferred(knowing, "default")


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line that says a name is not known, what is nearest, and what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}; {hint}known: {', '.join(names) or 'none'}"


def _voice_called(models: Path, voice: str) -> VoiceSummary:
    there = [*built_in_folders(), *voice_folders(models)]  # a user's own hides a built-in one
    folders = {voice_name(folder): folder for folder in there}
    if voice in folders:
        return summarize_voice(folders[voice])
    path = Path(voice)
    for folder in (path, path / EXPORT_NAME):
        if is_voice_folder(folder):
            return summarize_voice(folder)
    raise ModelError(unknown("voice", voice, folders))


def _speaker_of(summary: VoiceSummary, speaker: str | None) -> str:
    if speaker is None:
        return summary.default_speaker
    if speaker not in summary.speakers:
        raise ModelError(f"{summary.name}: {unknown('speaker', speaker, summary.speakers)}")
    return speaker


def _preferred(voices: list[VoiceSummary], name: str) -> VoiceSummary:
    """The voice of that name, else the newest."""
    for summary in voices:
        if summary.name == name:
            return summary
    return max(voices, key=lambda summary: (not summary.built_in, summary.created))
