"""Hear every clip of an experiment again, as if from other throats, rooms and microphones.

    python -m base_voice.versions EXPERIMENT [--count 2]

The encoder knows the recordings it was trained on better than it will ever know a stranger's. A
voice that learns from those alone takes every unit at its word. Units of sound that was changed
are as doubtful as a stranger's (see README.md), and a voice that hears them beside the others, for
the same sound to be made, learns to listen to what stands around them.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from base_voice.lay_out import link
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip, read_manifest, write_manifest
from ezrvc_audio.reading import read
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.atomic import write_text
from ezrvc_device.weights.compact_file import open_compact, read_compact
from ezrvc_features.content.soft_units_network import SoftUnitsNetwork, mel_power
from ezrvc_features.content.windows import to_speech
from ezrvc_features.store import Artefact, FeatureStore
from ezrvc_model.data.clip_set import read_file_list
from soft_units.augmentation import augment
from soft_units.publish import WEIGHTS

_KEPT = (Artefact.F0, Artefact.VOLUME)
"""What a clip's versions have in common with it."""


def add_versions(experiment: ExperimentFolder, count: int, device: torch.device) -> int:
    """Add `count` versions of each clip of the training list; return how many there are then.

    A version is the clip itself under another name, with content of changed sound.

    Raises:
        ValueError: the clips have versions already.
    """
    network = SoftUnitsNetwork(**open_compact(WEIGHTS).config).eval()
    network.load_state_dict(read_compact(WEIGHTS))
    network.to(device)
    store = FeatureStore(experiment)
    clips = read_manifest(experiment.manifest)
    listed = read_file_list(experiment.train_list)
    names = set(listed)
    if any(_name(path, 1) in names for path in listed):
        raise ValueError(f"{experiment.root}: its clips have versions already")
    trained = [clip for clip in clips if clip.path in names]
    versions: list[Clip] = []
    for clip, power in _powers(experiment, trained):
        generator = torch.Generator().manual_seed(int(clip.sha256[:8], 16))
        changed = augment(power.expand(count, -1, -1), generator, holes=False)
        with torch.inference_mode():
            units = network(changed.to(device)).cpu()
        for number, content in enumerate(units, start=1):
            versions.append(_add(store, clip, content, number))
    write_manifest(experiment.manifest, [*clips, *versions])
    heard = [*listed, *(version.path for version in versions)]
    write_text(experiment.train_list, "".join(f"{name}\n" for name in heard))
    return len(heard)


def _powers(
    experiment: ExperimentFolder, clips: Sequence[Clip]
) -> Iterator[tuple[Clip, torch.Tensor]]:
    """Clips with their mel power, (1, n_mels, n_columns)."""

    def power(clip: Clip) -> torch.Tensor:
        return mel_power(to_speech(read(experiment.root / clip.path))[None])

    with ThreadPoolExecutor() as pool:
        yield from zip(clips, pool.map(power, clips), strict=True)


def _add(store: FeatureStore, clip: Clip, content: torch.Tensor, number: int) -> Clip:
    root = store.experiment.root
    version = clip.model_copy(update={"path": _name(clip.path, number)})
    link(root / clip.path, root / version.path)
    made = {kind: np.load(store.path(clip, kind)) for kind in _KEPT}
    plan = {kind: store.recipe(clip, kind) for kind in (*_KEPT, Artefact.CONTENT)}
    store.save(version, {**made, Artefact.CONTENT: content}, plan)
    return version


def _name(clip: str, number: int) -> str:
    path = Path(clip)
    return path.with_stem(f"{path.stem}_heard{number}").as_posix()


def main(argv: Sequence[str] | None = None) -> None:
    """Add versions, and say how many clips there are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--device", default="auto")
    chosen = parser.parse_args(argv)
    experiment = ExperimentFolder(chosen.experiment)
    n_clips = add_versions(experiment, chosen.count, resolve_device(chosen.device))
    print(f"{chosen.experiment}: {n_clips} clips to train on")


if __name__ == "__main__":
    main()
