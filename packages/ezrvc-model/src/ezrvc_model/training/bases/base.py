"""What training starts from, whoever made it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.voice_card import Origin, OriginFile


@dataclass(frozen=True, eq=False)
class Base:
    """Networks that were trained before.

    Attributes:
        name: what to call it, without the folders of the machine it lies on.
        generator: its tensors by our names; weight normalisation may be folded away, and the
            posterior encoder may be missing.
        files: that it was read from.
        config: of the generator; None: the file does not say.
        speakers: name to row of its speaker table; empty: rows without names.
        keeps_speakers: whether its speakers live on in what starts from it; False: all speakers
            there are new, whatever their names.
        encoder: of its content; None: not known.
        discriminator: its opponent, where one is kept.
        licence: under which terms it may be used; empty: not stated.
        notes: what the reader should know, a sentence each.
    """

    name: str
    generator: Mapping[str, torch.Tensor]
    files: tuple[OriginFile, ...]
    config: SynthesizerConfig | None = None
    speakers: Mapping[str, int] = field(default_factory=dict[str, int])
    keeps_speakers: bool = True
    encoder: str | None = None
    discriminator: Discriminator | None = None
    licence: str = ""
    notes: tuple[str, ...] = ()

    @property
    def origin(self) -> Origin:
        """What the card of a voice says that was trained from here."""
        licence = f" (licence of the base: {self.licence})" if self.licence else ""
        return Origin(
            kind="trained", files=self.files, note=f"fine-tuned from {self.name}{licence}"
        )


SPEAKER_TABLE = "speaker_embedding.table.weight"
"""Name of the tensor with a row for each speaker."""
