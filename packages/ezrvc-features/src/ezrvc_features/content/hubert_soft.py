"""HuBERT-Soft: content as soft speech units.

The network of van Niekerk et al., "A Comparison of Discrete and Soft Speech Units for Improved
Voice Conversion" (ICASSP 2022): HuBERT base with a linear projection to 256 values that was
trained to predict discrete units. Read from the checkpoint published by its authors (github.com
bshall/hubert, release v0.1).
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ezrvc_features.content.checkpoint import (
    Checkpoint,
    ConvertedFile,
    account_for,
    merge_weight_norm,
    rename,
    tensors_in,
)
from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.content.hubert_parts import (
    HEAD_CHANNELS,
    KERNELS_AND_STRIDES,
    PositionalEmbedding,
)
from ezrvc_features.content.speech_encoder import PublishedEncoder
from ezrvc_features.errors import FeatureError

_PADDING = 40
"""Zeros on each side, (400 - 320) / 2: frame i is then centred in hop i."""
_HARMLESS = r"masked_spec_embed|label_embedding\.weight"
"""Of pre-training only: the vector put in place of masked frames, and the unit embeddings."""


class _FeatureExtractor(nn.Module):
    """(batch, 1, n_samples) to (batch, channels, n_frames)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for index, (kernel, stride) in enumerate(KERNELS_AND_STRIDES):
            n_inputs = 1 if index == 0 else channels
            self.add_module(
                f"conv{index}", nn.Conv1d(n_inputs, channels, kernel, stride, bias=False)
            )
        self.norm0 = nn.GroupNorm(channels, channels)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        hidden = samples
        for index in range(len(KERNELS_AND_STRIDES)):
            hidden = self.get_submodule(f"conv{index}")(hidden)
            if index == 0:
                hidden = self.norm0(hidden)
            hidden = nn.functional.gelu(hidden)
        return hidden


class _FeatureProjection(nn.Module):
    """(batch, n_frames, channels) to (batch, n_frames, hidden)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, hidden)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.projection(self.norm(features))


class HubertSoft(nn.Module):
    """Convolutions, then a transformer, then a projection to soft units.

    Args:
        channels: of the convolutions.
        hidden: width of the transformer.
        feed_forward: width inside its layers.
        n_layers: how many.
        units: length of the content vectors.
        position_kernel: frames that the positional convolution spans.
        position_groups: into which that convolution's channels are split.
    """

    def __init__(
        self,
        *,
        channels: int = 512,
        hidden: int = 768,
        feed_forward: int = 3072,
        n_layers: int = 12,
        units: int = 256,
        position_kernel: int = 128,
        position_groups: int = 16,
    ) -> None:
        super().__init__()
        self.feature_extractor = _FeatureExtractor(channels)
        self.feature_projection = _FeatureProjection(channels, hidden)
        self.positional_embedding = PositionalEmbedding(hidden, position_kernel, position_groups)
        self.norm = nn.LayerNorm(hidden)
        layer = nn.TransformerEncoderLayer(
            hidden, hidden // HEAD_CHANNELS, feed_forward, activation="gelu", batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        self.proj = nn.Linear(hidden, units)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Soft units of mono 16 kHz sound.

        Args:
            samples: (batch, n_samples), at least 320.

        Returns:
            (batch, units, n_samples // 320).
        """
        padded = nn.functional.pad(samples, (_PADDING, _PADDING))
        features = self.feature_extractor(padded[:, None]).mT  # (batch, n_frames, channels)
        hidden = self.feature_projection(features)
        hidden = self.norm(hidden + self.positional_embedding(hidden))
        return self.proj(self.encoder(hidden)).mT  # (batch, units, n_frames)


class HubertSoftEncoder(PublishedEncoder):
    """`HubertSoft` behind the content protocol."""

    dim_key = "units"
    layout = "hubert-soft-1"

    def __init__(self, checkpoint: ConvertedFile, *, name: str, device: torch.device) -> None:
        super().__init__(checkpoint, name=name, device=device)
        with torch.device("meta"):
            network = HubertSoft(**checkpoint.config)
        self._network = self._furnish(network, checkpoint)

    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        return self._network(samples)

    @classmethod
    def convert(cls, source: Path) -> Checkpoint:
        """Read the published layout: tensors by name, perhaps below "hubert" and "module.".

        Raises:
            FeatureError: the file is not that.
        """
        found = tensors_in(read_checkpoint(source), inside=("hubert", "model"), source=source)
        found = rename(found, [(r"module\.(.+)", r"\1")])
        found = merge_weight_norm(found, "positional_embedding.conv.weight")
        config = _config_of(found, source)
        with torch.device("meta"):
            expected = HubertSoft(**config).state_dict()
        return Checkpoint(account_for(found, expected, harmless=_HARMLESS, source=source), config)


def _config_of(tensors: dict[str, torch.Tensor], source: Path) -> dict[str, Any]:
    """The numbers that shape the network, read off its tensors."""
    try:
        hidden, per_group, kernel = tensors["positional_embedding.conv.weight"].shape
        layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layers.")}
        return {
            "channels": tensors["feature_extractor.conv0.weight"].shape[0],
            "hidden": hidden,
            "feed_forward": tensors["encoder.layers.0.linear1.weight"].shape[0],
            "n_layers": len(layers),
            "units": tensors["proj.weight"].shape[0],
            "position_kernel": kernel,
            "position_groups": hidden // per_group,
        }
    except (KeyError, ValueError) as error:
        raise FeatureError(
            f"{source}: not a HuBERT-Soft checkpoint ({error} is missing or of another shape); "
            "check that it is the right file"
        ) from error
