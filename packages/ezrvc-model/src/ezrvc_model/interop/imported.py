"""A generator that came from another program, ready to become a voice."""

from dataclasses import dataclass
from typing import Literal

import torch

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.accounting import account_for
from ezrvc_model.interop.names import Family, generator_names
from ezrvc_model.interop.variations import split_folded
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.voice_card import Origin


@dataclass(frozen=True, eq=False)
class ImportedGenerator:
    """What was read, in this project's terms.

    Attributes:
        config: the numbers of the network.
        state: its tensors by our names, float32; without the posterior encoder if the file had
            none.
        speakers: name to row of the speaker table.
        encoder: name of the content encoder it was trained with.
        stretch: how content is brought to the frame grid.
        unvoiced: what the generator is given as F0 of unvoiced frames.
        noise_scale: of the prior, that its own program uses by default.
        origin: the files it came from.
        ignored: dotted names of configuration keys that mean nothing here.
    """

    config: SynthesizerConfig
    state: dict[str, torch.Tensor]
    speakers: dict[str, int]
    encoder: str
    stretch: Literal["nearest", "left"]
    unvoiced: Literal["interpolate", "zero"]
    noise_scale: float
    origin: Origin
    ignored: tuple[str, ...]

    @property
    def trainable(self) -> bool:
        """Whether the posterior encoder is there, so that training can go on."""
        return any(name.startswith("posterior_encoder.") for name in self.state)

    def build(self) -> Synthesizer:
        """The network with its weights, as it was saved (not yet prepared for inference)."""
        synthesizer = Synthesizer(self.config)
        if not self.trainable:
            synthesizer.posterior_encoder = None
        synthesizer.load_state_dict(self.state)
        return synthesizer


def translate(
    tensors: dict[str, torch.Tensor], config: SynthesizerConfig, family: Family, what: str
) -> dict[str, torch.Tensor]:
    """Their tensors under our names, every one accounted for.

    A file without any tensor of the posterior encoder is complete without it.

    Args:
        tensors: by their names.
        config: of the network.
        family: whose names.
        what: the file and its configuration, for the message.

    Raises:
        ModelError: something is missing, unknown or mis-shaped; the message ends in a table.
    """
    shapes = shapes_of(config)
    names = generator_names(shapes, config.decoder, family)
    if not any(name.startswith("enc_q.") for name in tensors):
        names = {ours: theirs for ours, theirs in names.items() if not theirs.startswith("enc_q.")}
    expected = {theirs: shapes[ours] for ours, theirs in names.items()}
    tensors = split_folded(tensors, expected)
    account_for(tensors, expected, what)
    return {ours: tensors[theirs] for ours, theirs in names.items()}


def shapes_of(config: SynthesizerConfig) -> dict[str, torch.Size]:
    """Shape of every tensor of a network, by our names, without making the tensors.

    Raises:
        ModelError: the numbers are too large for any tensor.
    """
    try:
        with torch.device("meta"):
            return {name: tensor.shape for name, tensor in Synthesizer(config).state_dict().items()}
    except RuntimeError as error:  # sizes that no tensor can have
        reason = str(error).partition("\n")[0]
        raise ModelError(f"its numbers describe no network that can be: {reason}") from error
