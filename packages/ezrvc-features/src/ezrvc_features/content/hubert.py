"""HuBERT and its descendants: content from one layer of a transformer that learned to listen.

Hsu et al., "HuBERT: Self-Supervised Speech Representation Learning by Masked Prediction of Hidden
Units" (2021). What differs between the encoders of this module is their training and the layer
that is taken; both are data of the registry:

- ContentVec (Qian et al., ICML 2022), a HuBERT base that was taught to leave the speaker out. The
  twelfth layer (so-vits-svc's vec768l12, RVC v2) or the ninth with the final projection to 256
  values (vec256l9, RVC v1) are usual.
- Spin (Chang et al., Interspeech 2023), a HuBERT base taught the same in another way.
- Chinese HuBERT large (TencentGameMate), as so-vits-svc uses it: the sound is not normalised.
- mHuBERT-147 (Zanon Boito et al., Interspeech 2024), of 147 languages; its sound is normalised.

The sound is not padded: n samples at 16 kHz give (n - 80) // 320 frames.
"""

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn.utils import parametrize
from transformers import HubertConfig, HubertModel, PretrainedConfig, PreTrainedModel

from ezrvc_features.content.checkpoint import Checkpoint, ConvertedFile, account_for
from ezrvc_features.content.hidden_layer import HiddenLayer
from ezrvc_features.content.hubert_layouts import HARMLESS, PROJECTION, read_published
from ezrvc_features.content.hubert_parts import FIELD
from ezrvc_features.content.padded_norm import PaddedTimeNorm, padded_to_longest
from ezrvc_features.content.speech_encoder import PublishedEncoder
from ezrvc_features.content.windows import SPEECH_HOP
from ezrvc_features.errors import FeatureError

_SMALLEST_VARIANCE = 1e-7
"""Added before sound is divided by its deviation, as transformers' feature extractor does."""


class HubertEncoder(PublishedEncoder):
    """A layer of a HuBERT network; layers above it are neither loaded nor run."""

    model_type: ClassVar[str] = "hubert"
    """What transformers calls the network."""
    config_class: ClassVar[type[PretrainedConfig]] = HubertConfig
    network_class: ClassVar[type[PreTrainedModel]] = HubertModel
    layout = "hubert-1"
    lookahead = FIELD - SPEECH_HOP
    takes_padding = True

    def __init__(
        self, checkpoint: ConvertedFile, *, name: str, device: torch.device, layer: HiddenLayer
    ) -> None:
        super().__init__(checkpoint, name=name, device=device, layer=layer)
        config = checkpoint.config
        self._is_normalized = layer.normalized
        self._network = self._furnish(
            self._empty_network(config | {"num_hidden_layers": layer.index}), checkpoint
        )
        first = self._network.get_submodule("feature_extractor.conv_layers.0")
        if isinstance(norm := getattr(first, "layer_norm", None), nn.GroupNorm):
            first.layer_norm = PaddedTimeNorm(norm)
        if config.get("do_stable_layer_norm") and layer.index < layer.of:
            # The norm that such networks end with belongs to the last layer.
            self._network.get_submodule("encoder").layer_norm = nn.Identity()
        self._projection: nn.Module = nn.Identity()
        if layer.projected:
            with torch.device("meta"):
                projection = nn.Linear(config["hidden_size"], self.dim)
            self._projection = self._furnish(projection, checkpoint, prefix=f"{PROJECTION}.")

    @classmethod
    def dim_of(cls, checkpoint: ConvertedFile, layer: HiddenLayer | None = None) -> int:
        """Length of each content vector."""
        is_projected = layer is not None and layer.projected
        return checkpoint.config["projection_size" if is_projected else "hidden_size"]

    @classmethod
    def require(cls, checkpoint: ConvertedFile, layer: HiddenLayer | None, what: str) -> None:
        """Check the number of layers, and that a projection is there if it is asked for.

        Raises:
            FeatureError: the network is another one.
        """
        n_layers = checkpoint.config["num_hidden_layers"]
        if layer is not None and n_layers != layer.of:
            raise FeatureError(
                f"{what} needs a network of {layer.of} layers, this one has {n_layers}; check "
                "that it is the right file"
            )
        if layer is not None and layer.projected and "projection_size" not in checkpoint.config:
            raise FeatureError(
                f"{what} needs the final projection ({PROJECTION}), which was left out of this "
                "file; take the original checkpoint"
            )

    def _prepare(self, samples: torch.Tensor) -> torch.Tensor:
        if not self._is_normalized:
            return samples
        variance, mean = torch.var_mean(samples, correction=0)
        return (samples - mean) / (variance + _SMALLEST_VARIANCE).sqrt()

    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        missing = max(FIELD - samples.shape[-1], 0)
        hidden = self._network(nn.functional.pad(samples, (0, missing))).last_hidden_state
        return self._projection(hidden).mT  # (batch, dim, n_frames)

    def _forward_padded(self, samples: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        n_samples = torch.tensor(lengths, device=samples.device).clamp(min=FIELD)
        missing = max(FIELD - samples.shape[-1], 0)
        padded = nn.functional.pad(samples, (0, missing))
        is_sound = torch.arange(padded.shape[-1], device=padded.device) < n_samples[:, None]
        with padded_to_longest(n_samples):
            hidden = self._network(padded, attention_mask=is_sound.long()).last_hidden_state
        return self._projection(hidden).mT

    @classmethod
    def convert(cls, source: Path) -> Checkpoint:
        """Read any layout of `hubert_layouts`, with all layers and the projection if it is there.

        Raises:
            FeatureError: it is none of them.
        """
        found, config = read_published(source, cls.model_type)
        expected = cls._empty_network(config).state_dict()
        projection = found.get(f"{PROJECTION}.weight")
        if projection is not None:
            config["projection_size"] = projection.shape[0]
            with torch.device("meta"):
                linear = nn.Linear(config["hidden_size"], config["projection_size"])
            expected |= linear.state_dict(prefix=f"{PROJECTION}.")
        return Checkpoint(account_for(found, expected, harmless=HARMLESS, source=source), config)

    @classmethod
    def _empty_network(cls, config: dict[str, Any]) -> PreTrainedModel:
        """The network without weights, its positional convolution's weight as one tensor."""
        with torch.device("meta"):
            network = cls.network_class(cls.config_class(**config))
        positions = network.get_submodule("encoder.pos_conv_embed.conv")
        if parametrize.is_parametrized(positions, "weight"):
            parametrize.remove_parametrizations(positions, "weight")
        return network
