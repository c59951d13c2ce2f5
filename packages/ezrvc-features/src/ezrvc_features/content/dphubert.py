"""DPHuBERT: a HuBERT base made small by taking away heads, channels and units layer by layer.

Peng et al., "DPHuBERT: Joint Distillation and Pruning of Self-Supervised Speech Models"
(Interspeech 2023). What is left differs from layer to layer: each convolution has its own number
of channels, each attention its own number of heads (perhaps none), each feed-forward network its
own width (perhaps none). The checkpoint of its authors (`DPHuBERT-sp0.75.pth`) says these numbers
in `config`, and its tensors have torchaudio's names, which are ours too.
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
    tensors_in,
)
from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.content.hubert_parts import FIELD, KERNELS_AND_STRIDES, PositionalEmbedding
from ezrvc_features.content.speech_encoder import PublishedEncoder
from ezrvc_features.content.windows import SPEECH_HOP
from ezrvc_features.errors import FeatureError

_HARMLESS = r"aux\..*|mask_embedding|mask_generator\..*"
"""Of other tasks: an output head, and the vector for masked frames."""
_NEEDED = {
    "extractor_mode": "group_norm",
    "extractor_conv_bias": False,
    "encoder_layer_norm_first": False,
    "normalize_waveform": False,
}
"""What makes a network a pruned HuBERT base, rather than a pruned HuBERT large or WavLM."""
_SHAPES = {
    "hidden": "encoder_embed_dim",
    "position_kernel": "encoder_pos_conv_kernel",
    "position_groups": "encoder_pos_conv_groups",
    "head_channels": "encoder_head_dim",
}
"""Our configuration's keys and those of the checkpoint."""


class _Convolution(nn.Module):
    """One step of the feature extractor; the first one is normalised over time."""

    def __init__(self, n_inputs: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_inputs, channels, kernel, stride, bias=False)
        self.layer_norm = nn.GroupNorm(channels, channels) if n_inputs == 1 else None

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = self.conv(hidden)
        if self.layer_norm is not None:
            hidden = self.layer_norm(hidden)
        return nn.functional.gelu(hidden)


class _FeatureExtractor(nn.Module):
    """(batch, 1, n_samples) to (batch, n_frames, channels), each channel with its own weight."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        inputs = [1, *channels[:-1]]
        self.conv_layers = nn.ModuleList(
            _Convolution(n_inputs, n_outputs, kernel, stride)
            for n_inputs, n_outputs, (kernel, stride) in zip(
                inputs, channels, KERNELS_AND_STRIDES, strict=True
            )
        )
        self.dummy_weight = nn.Parameter(torch.ones(channels[-1]))

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        hidden = samples
        for layer in self.conv_layers:
            hidden = layer(hidden)
        return hidden.mT * self.dummy_weight


class _FeatureProjection(nn.Module):
    """(batch, n_frames, channels) to (batch, n_frames, hidden)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, hidden)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.projection(self.layer_norm(features))


class _Attention(nn.Module):
    """Self-attention with any number of heads, each of as many channels as ever."""

    def __init__(self, hidden: int, n_heads: int, head_channels: int) -> None:
        super().__init__()
        self.head_channels = head_channels
        width = n_heads * head_channels
        self.q_proj = nn.Linear(hidden, width)
        self.k_proj = nn.Linear(hidden, width)
        self.v_proj = nn.Linear(hidden, width)
        self.out_proj = nn.Linear(width, hidden)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            projection(hidden).unflatten(-1, (-1, self.head_channels)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )  # (batch, n_heads, n_frames, head_channels)
        heard = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.out_proj(heard.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    """Two linear layers, any number of units between them."""

    def __init__(self, hidden: int, n_units: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(hidden, n_units)
        self.output_dense = nn.Linear(n_units, hidden)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.output_dense(nn.functional.gelu(self.intermediate_dense(hidden)))


class _Layer(nn.Module):
    """A transformer layer; both norms stay even where what they follow was pruned away."""

    def __init__(self, hidden: int, n_heads: int, n_units: int, head_channels: int) -> None:
        super().__init__()
        self.attention = _Attention(hidden, n_heads, head_channels) if n_heads else None
        self.layer_norm = nn.LayerNorm(hidden)
        self.feed_forward = _FeedForward(hidden, n_units) if n_units else None
        self.final_layer_norm = nn.LayerNorm(hidden)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        if self.attention is not None:
            hidden = hidden + self.attention(hidden)
        hidden = self.layer_norm(hidden)
        if self.feed_forward is not None:
            hidden = hidden + self.feed_forward(hidden)
        return self.final_layer_norm(hidden)


class PrunedHubert(nn.Module):
    """HuBERT base, each of its layers with a width of its own.

    Args:
        channels: of each convolution.
        heads: of each transformer layer's attention; 0: it has none.
        units: of each transformer layer's feed-forward network; 0: it has none.
        hidden: width of the transformer.
        head_channels: of one attention head.
        position_kernel: frames that the positional convolution spans.
        position_groups: into which that convolution's channels are split.
    """

    def __init__(
        self,
        *,
        channels: list[int],
        heads: list[int],
        units: list[int],
        hidden: int = 768,
        head_channels: int = 64,
        position_kernel: int = 128,
        position_groups: int = 16,
    ) -> None:
        super().__init__()
        self.feature_extractor = _FeatureExtractor(channels)
        self.encoder = nn.ModuleDict(
            {
                "feature_projection": _FeatureProjection(channels[-1], hidden),
                "transformer": nn.ModuleDict(
                    {
                        "pos_conv_embed": PositionalEmbedding(
                            hidden, position_kernel, position_groups
                        ),
                        "layer_norm": nn.LayerNorm(hidden),
                        "layers": nn.Sequential(
                            *(
                                _Layer(hidden, n_heads, n_units, head_channels)
                                for n_heads, n_units in zip(heads, units, strict=True)
                            )
                        ),
                    }
                ),
            }
        )

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Content of mono 16 kHz sound.

        Args:
            samples: (batch, n_samples), at least 400.

        Returns:
            (batch, hidden, n_frames), one frame for every 320 samples after the first 400.
        """
        features = self.feature_extractor(samples[:, None])
        hidden = self.encoder["feature_projection"](features)
        transformer = self.encoder.get_submodule("transformer")
        positions = transformer.get_submodule("pos_conv_embed")(hidden)
        hidden = transformer.get_submodule("layer_norm")(hidden + positions)
        return transformer.get_submodule("layers")(hidden).mT


class DPHubertEncoder(PublishedEncoder):
    """`PrunedHubert` behind the content protocol."""

    dim_key = "hidden"
    layout = "dphubert-1"
    lookahead = FIELD - SPEECH_HOP

    def __init__(self, checkpoint: ConvertedFile, *, name: str, device: torch.device) -> None:
        super().__init__(checkpoint, name=name, device=device)
        with torch.device("meta"):
            network = PrunedHubert(**checkpoint.config)
        self._network = self._furnish(network, checkpoint)

    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        missing = max(FIELD - samples.shape[-1], 0)
        return self._network(nn.functional.pad(samples, (0, missing)))

    @classmethod
    def convert(cls, source: Path) -> Checkpoint:
        """Read the authors' layout: `config` and `state_dict`.

        Raises:
            FeatureError: it is another file, or a pruned WavLM or HuBERT large.
        """
        tree = read_checkpoint(source)
        stated = tree.get("config") if isinstance(tree, dict) else None
        if not isinstance(stated, dict) or "state_dict" not in tree:
            raise FeatureError(
                f"{source}: not a DPHuBERT checkpoint (it has no `config` and `state_dict`); "
                "check that it is the right file"
            )
        found = tensors_in(tree, inside=("state_dict",), source=source)
        found = merge_weight_norm(found, "encoder.transformer.pos_conv_embed.conv.weight")
        config = _config_of(stated, source)
        with torch.device("meta"):
            expected = PrunedHubert(**config).state_dict()
        # torchaudio's own networks, unpruned ones, have no weights of channels.
        found.setdefault("feature_extractor.dummy_weight", torch.ones(config["channels"][-1]))
        return Checkpoint(account_for(found, expected, harmless=_HARMLESS, source=source), config)


def _config_of(stated: dict[str, Any], source: Path) -> dict[str, Any]:
    """The numbers that shape the network, from those the checkpoint states."""
    for key, needed in _NEEDED.items():
        if stated.get(key) != needed:
            raise FeatureError(
                f"{source}: {key} is {stated.get(key)!r}, DPHuBERT base has {needed!r}; only "
                "pruned HuBERT base networks can be used"
            )
    try:
        convolutions = [tuple(layer) for layer in stated["extractor_conv_layer_config"]]
        config: dict[str, Any] = {ours: stated[theirs] for ours, theirs in _SHAPES.items()}
        heads = _kept(stated["encoder_num_heads"], stated["encoder_use_attention"])
        units = _kept(stated["encoder_ff_interm_features"], stated["encoder_use_feed_forward"])
    except (KeyError, TypeError, ValueError) as error:
        raise FeatureError(
            f"{source}: its configuration is not that of a DPHuBERT checkpoint ({error}); only "
            "pruned HuBERT base networks can be used"
        ) from error
    if tuple(layer[1:] for layer in convolutions) != KERNELS_AND_STRIDES:
        raise FeatureError(f"{source}: its convolutions {convolutions} are not those of HuBERT")
    channels = [layer[0] for layer in convolutions]
    return config | {"channels": channels, "heads": heads, "units": units}


def _kept(widths: list[int], is_used: list[bool]) -> list[int]:
    """The width of each layer's part; 0 where it was pruned away as a whole."""
    return [width if used else 0 for width, used in zip(widths, is_used, strict=True)]
