"""What made each feature file, so that no file is ever taken for another."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from ezrvc_device.configuration import Section


class Artefact(StrEnum):
    """A feature file of a clip."""

    CONTENT = "content"
    F0 = "f0"
    VOLUME = "volume"
    SPECTROGRAM = "spectrogram"

    @property
    def suffix(self) -> str:
        """The end of the file's name, after the clip's."""
        return _SUFFIXES[self]


_SUFFIXES = {
    Artefact.CONTENT: ".soft.pt",
    Artefact.F0: ".f0.npy",
    Artefact.VOLUME: ".vol.npy",
    Artefact.SPECTROGRAM: ".spec.pt",
}

RECORD_SUFFIX = ".meta.json"
"""The end of the record's name, after the clip's."""


class Recipe(Section):
    """All that decides what a feature file holds, beside the clip itself."""

    extractor: str
    """Name of the encoder, estimator or measure."""
    version: str
    """Of the extractor and its weights."""
    settings: dict[str, int | float | str | None]
    """Everything the result depends on: range, frame grid, transform."""


FeaturePlan = Mapping[Artefact, Recipe]
"""Which files a clip should have, and how each is to be made."""


class ArtefactRecord(Section):
    """A finished feature file."""

    recipe: Recipe
    shape: tuple[int, ...]
    n_bytes: int
    """Size of the file: another size means that it was cut off."""


class ClipRecord(Section):
    """What is finished of one clip; written after the files it speaks of."""

    sha256: str
    """Of the clip's sound file."""
    artefacts: dict[Artefact, ArtefactRecord] = Field(default_factory=dict)
