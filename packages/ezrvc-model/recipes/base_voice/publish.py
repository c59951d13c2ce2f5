"""Write a trained voice as the package ships it: few speakers under names of their own, compactly.

    python -m base_voice.publish RUN [built_in.yaml] [--to FOLDER] [--discriminator]

RUN is the folder of a training run, or of its exported voice if that is in eight bits and so has
all that training needs. The YAML file says what the card says, and who goes along, the default
speaker first:

    card: {licence: Apache-2.0, description: "..."}
    speakers:
      willow: {source: af_heart, description: "a woman's voice, warm"}

Of all other speakers nothing is kept. `--discriminator` takes the run's along, if it is small.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from ezrvc_device.configuration import Section, load_yaml
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training.bases.fitting import start_from
from ezrvc_model.training.bases.reading import read_base
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import VoiceCard
from ezrvc_model.voice_folder import DISCRIMINATOR_NAME, EXPORT_NAME, is_voice_folder

BUILT_IN = Path(__file__).parents[2] / "src/ezrvc_model/builtin/base"
CHOICE = Path(__file__).parent / "built_in.yaml"
LARGEST_MB = 20.0
LARGEST_DISCRIMINATOR_MB = 6.0


class ChosenSpeaker(Section):
    """One speaker that goes along."""

    source: str
    """Its name in training."""
    description: str
    """What it sounds like."""


class Choice(Section):
    """What is shipped of a trained voice."""

    card: dict[str, Any] = Field(default_factory=dict)
    """What the voice's card says in place of what the run's says."""
    speakers: dict[str, ChosenSpeaker] = Field(min_length=1)
    """By their new names, the default speaker first."""


def publish(run: Path, choice: Choice, folder: Path, *, discriminator: bool = False) -> None:
    """Write the folder of the built-in voice; an older one there is replaced.

    Args:
        run: of a run, the newest whole checkpoint is taken, and the card of its exported voice.
        choice: who goes along.
        folder: where to.
        discriminator: whether the run's goes along.

    Raises:
        ModelError: the run is damaged, is not whole, or does not know a speaker.
        ValueError: two speakers come from one, a field of the card is unknown, or what is written
            is too large to ship.
    """
    chosen = choice.speakers
    sources = {each.source: row for row, each in enumerate(chosen.values())}
    if len(sources) < len(chosen):
        raise ValueError(f"two of {', '.join(chosen)} come from the same speaker")
    trained = VoiceModel.load(run if is_voice_folder(run) else run / EXPORT_NAME)
    for source in sources:
        trained.speaker_row(source)
    base = read_base(str(run), run.parent, trained.config)
    with torch.random.fork_rng(devices=[]):
        generator = Synthesizer(trained.config.model_copy(update={"n_speakers": len(chosen)}))
        opponent = base.discriminator or Discriminator()
    report = start_from(
        base,
        generator,
        opponent,
        speakers=sources,
        encoder=trained.features.encoder,
        new_speakers="fresh",
    )
    if report.share_taken("generator") < 1:
        raise ModelError(f"{run}: does not hold all that training needs ({report.summary})")
    kept = opponent if discriminator and base.discriminator is not None else None
    _voice(trained, generator, choice, folder.name).save(folder, storage="int8", discriminator=kept)
    _check_size(folder / DISCRIMINATOR_NAME, LARGEST_DISCRIMINATOR_MB)
    _check_size(folder, LARGEST_MB)


def _voice(trained: VoiceModel, generator: Synthesizer, choice: Choice, name: str) -> VoiceModel:
    """The trained voice with the chosen speakers alone."""
    chosen, ranges = choice.speakers, trained.card.f0
    told = {
        "name": name,
        "speakers": {new: each.description for new, each in chosen.items()},
        "f0": {new: ranges[s.source] for new, s in chosen.items() if s.source in ranges},
    }
    return VoiceModel(
        config=generator.config,
        generator=generator,
        speakers={new: row for row, new in enumerate(chosen)},
        features=trained.features,
        card=VoiceCard.model_validate({**trained.card.model_dump(), **choice.card, **told}),
        default_speaker=next(iter(chosen)),
        encoder_version=trained.encoder_version,
        stretch=trained.stretch,
        unvoiced=trained.unvoiced,
        noise_scale=trained.noise_scale,
    )


def megabytes(path: Path) -> float:
    """Of a file, or of all files of a folder; nothing is 0."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def _check_size(path: Path, largest_mb: float) -> None:
    if megabytes(path) > largest_mb:
        raise ValueError(f"{path}: {megabytes(path):.1f} MB, more than {largest_mb:g} MB")


def main(argv: Sequence[str] | None = None) -> None:
    """Write the voice, say how large it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("choice", type=Path, nargs="?", default=CHOICE)
    parser.add_argument("--to", type=Path, default=BUILT_IN)
    parser.add_argument("--discriminator", action="store_true")
    chosen = parser.parse_args(argv)
    choice = Choice.from_tree(load_yaml(chosen.choice), source=str(chosen.choice))
    publish(chosen.run, choice, chosen.to, discriminator=chosen.discriminator)
    print(f"{chosen.to}: {megabytes(chosen.to):.1f} MB, {', '.join(choice.speakers)}")


if __name__ == "__main__":
    main()
