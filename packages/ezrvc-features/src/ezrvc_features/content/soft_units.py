"""A small content encoder of our own: soft units of speech that say what is spoken, not by whom.

Its weights are made by the recipe `recipes/soft_units` of this package, which says how, on what
data, and with what result. The idea of soft units is that of van Niekerk et
al., "A Comparison of Discrete and Soft Speech Units for Improved Voice Conversion" (2022).
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from ezrvc_device.weights.compact_file import open_compact, read_compact
from ezrvc_features.content.checkpoint import ConvertedFile, account_for
from ezrvc_features.content.soft_units_network import SoftUnitsNetwork, log_mel
from ezrvc_features.content.speech_encoder import WeightedEncoder
from ezrvc_features.content.windows import SPEECH_HOP, WindowPlan
from ezrvc_features.errors import FeatureError

_LONGEST_FRAMES = 1450
"""29 s, of the 30 s that the network knows positions for."""


class CompactCheckpoint(ConvertedFile):
    """Compact weights as they lie in their file; multiplied out when asked for."""

    def tensors(self, names: Iterable[str] | None = None) -> dict[str, torch.Tensor]:
        """The weights in float32, on the CPU; see `ConvertedFile.tensors`."""
        return read_compact(self.path, names)


class SoftUnitsEncoder(WeightedEncoder):
    """Units of root mean square 1, 50 a second.

    Args:
        checkpoint: the weights.
        name: the registry's name.
        device: where the network runs.
        chunk_frames: for live sound: a unit then depends on nothing after its chunk of so many
            frames (but for 12.5 ms of the window of analysis). None: on all of the sound.
    """

    dim_key = "dim"
    layout = "soft-units-1"
    takes_padding = True

    def __init__(
        self,
        checkpoint: ConvertedFile,
        *,
        name: str,
        device: torch.device,
        chunk_frames: int | None = None,
    ) -> None:
        super().__init__(checkpoint, name=name, device=device, plan=WindowPlan(_LONGEST_FRAMES))
        self._chunk_frames = chunk_frames
        self._network = self._furnish(_empty_network(checkpoint), checkpoint)

    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        mel = log_mel(samples, self._network.n_mels)
        return self._network(mel, chunk_frames=self._chunk_frames)

    def _forward_padded(self, samples: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        mels = [
            log_mel(sound[None, :length], self._network.n_mels)[0].mT
            for sound, length in zip(samples, lengths, strict=True)
        ]  # each by itself: its end is reflected
        mel = nn.utils.rnn.pad_sequence(mels, batch_first=True).mT
        n_frames = torch.tensor([length // SPEECH_HOP for length in lengths], device=mel.device)
        return self._network(mel, chunk_frames=self._chunk_frames, lengths=n_frames)

    def hear(self, samples: torch.Tensor) -> list[torch.Tensor]:
        """See `ezrvc_features.content.base.Hearing`: each layer, normalised, and the units."""
        with torch.autocast(samples.device.type, enabled=False):
            mel = log_mel(samples.float(), self._network.n_mels)
        layers = self._network.hidden_states(mel)
        evened = [functional.layer_norm(each.float(), each.shape[-1:]) for each in layers]
        return [*evened, self._network.units_of(layers[-1]).mT]

    @classmethod
    def open(cls, source: Path) -> ConvertedFile:
        """The weights as they are: they need no conversion.

        Raises:
            WeightsError: the file is something else.
            FeatureError: its weights are those of another network.
        """
        header = open_compact(source)
        opened = CompactCheckpoint(source, header.digest, header.config)
        account_for(
            opened.tensors(), _empty_network(opened).state_dict(), harmless="", source=source
        )
        return opened


def _empty_network(checkpoint: ConvertedFile) -> SoftUnitsNetwork:
    try:
        with torch.device("meta"):
            return SoftUnitsNetwork(**checkpoint.config)
    except TypeError as error:
        raise FeatureError(
            f"{checkpoint.path}: not weights of soft-units ({error}); "
            "check that it is the right file"
        ) from error
