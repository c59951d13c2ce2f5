"""Write a trained voice as the package ships it: few speakers under names of their own, compactly.

    python -m base_voice.publish RUN SPEAKERS.yaml [--to FOLDER] [--discriminator]

RUN is the folder of a training run, with its checkpoints and its exported voice. SPEAKERS.yaml says
who goes along, the default speaker first:

    willow: {from: af_heart, description: "a woman's voice, warm"}

Of all other speakers nothing is kept. `--discriminator` takes the run's along, if it is small.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ezrvc_device.configuration import Section, load_yaml
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training.bases.base import SPEAKER_TABLE
from ezrvc_model.training.bases.reading import read_base
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_folder import DISCRIMINATOR_NAME, EXPORT_NAME

BUILT_IN = Path(__file__).parents[2] / "src/ezrvc_model/builtin/base"
LARGEST_MB = 20.0
LARGEST_DISCRIMINATOR_MB = 6.0


class ChosenSpeaker(Section):
    """One speaker that goes along."""

    source: str
    """Its name in training."""
    description: str
    """What it sounds like."""


def read_speakers(path: Path) -> dict[str, ChosenSpeaker]:
    """The speakers that go along, by their new names, the default speaker first."""
    rows = load_yaml(path)
    return {
        name: ChosenSpeaker(source=row["from"], description=row["description"])
        for name, row in rows.items()
    }


def publish(
    run: Path, speakers: Mapping[str, ChosenSpeaker], folder: Path, *, discriminator: bool = False
) -> None:
    """Write the folder of the built-in voice; an older one there is replaced.

    Args:
        run: the newest whole checkpoint is taken, and the card of the exported voice.
        speakers: by their new names, the default speaker first.
        folder: where to.
        discriminator: whether the run's goes along.

    Raises:
        ModelError: the run is damaged, or does not know a speaker.
        ValueError: what is written is too large to ship.
    """
    trained = VoiceModel.load(run / EXPORT_NAME)
    base = read_base(str(run), run.parent, trained.config)
    if base.config is None:
        raise ValueError(f"{run}: does not say how its network is shaped")
    rows = [trained.speaker_row(each.source) for each in speakers.values()]
    tensors = dict(base.generator)
    tensors[SPEAKER_TABLE] = tensors[SPEAKER_TABLE][torch.tensor(rows)]
    generator = Synthesizer(base.config.model_copy(update={"n_speakers": len(rows)}))
    generator.load_state_dict(tensors)
    ranges = trained.card.f0
    card = trained.card.model_copy(
        update={
            "name": folder.name,
            "speakers": {name: each.description for name, each in speakers.items()},
            "f0": {name: ranges[s.source] for name, s in speakers.items() if s.source in ranges},
        }
    )
    VoiceModel(
        config=generator.config,
        generator=generator,
        speakers={name: row for row, name in enumerate(speakers)},
        features=trained.features,
        card=card,
        default_speaker=next(iter(speakers)),
        encoder_version=trained.encoder_version,
        stretch=trained.stretch,
        unvoiced=trained.unvoiced,
        noise_scale=trained.noise_scale,
    ).save(folder, storage="int8", discriminator=base.discriminator if discriminator else None)
    _check_size(folder / DISCRIMINATOR_NAME, LARGEST_DISCRIMINATOR_MB)
    _check_size(folder, LARGEST_MB)


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
    parser.add_argument("speakers", type=Path)
    parser.add_argument("--to", type=Path, default=BUILT_IN)
    parser.add_argument("--discriminator", action="store_true")
    chosen = parser.parse_args(argv)
    speakers = read_speakers(chosen.speakers)
    publish(chosen.run, speakers, chosen.to, discriminator=chosen.discriminator)
    print(f"{chosen.to}: {megabytes(chosen.to):.1f} MB, {', '.join(speakers)}")


if __name__ == "__main__":
    main()
