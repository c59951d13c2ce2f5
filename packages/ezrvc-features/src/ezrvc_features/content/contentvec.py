"""ContentVec: content from a HuBERT that was taught to leave the speaker out.

Qian et al., "ContentVec: An Improved Self-Supervised Speech Representation by Disentangling
Speakers" (ICML 2022). `contentvec768l12` is the output of the twelfth transformer layer, without
the final projection: what so-vits-svc 4.1 calls vec768l12, and RVC v2 uses. The sound is neither
padded nor normalised: n samples at 16 kHz give (n - 80) // 320 frames.

Two published layouts are read: fairseq's (`checkpoint_best_legacy_500.pt`, `hubert_base.pt`) and
Hugging Face's folder (`lengyue233/content-vec-best` among others).
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize
from transformers import HubertConfig, HubertModel

from ezrvc_features.content.checkpoint import (
    Checkpoint,
    ConvertedFile,
    account_for,
    hugging_face_files,
    load_json,
    merge_weight_norm,
    rename,
    tensors_in,
)
from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.content.speech_encoder import WeightedEncoder
from ezrvc_features.content.windows import SPEECH_HOP, WindowPlan
from ezrvc_features.errors import FeatureError

_LAYER = 12
"""Whose output is the content."""
_FIELD = 400
"""Samples that a frame is computed from."""
_HEAD_CHANNELS = 64
"""Of one attention head in HuBERT base; fairseq's tensors do not tell."""
_POSITIONS = "encoder.pos_conv_embed.conv.weight"
_HARMLESS = r"masked_spec_embed|label_embs_concat|(final_proj|lm_head)\..*"
"""Of pre-training or of other tasks: the vector for masked frames, and output heads."""
_FAIRSEQ_NAMES = (
    (r"mask_emb", r"masked_spec_embed"),
    (
        r"feature_extractor\.conv_layers\.(\d+)\.0\.(\w+)",
        r"feature_extractor.conv_layers.\1.conv.\2",
    ),
    (
        r"feature_extractor\.conv_layers\.(\d+)\.2\.(\w+)",
        r"feature_extractor.conv_layers.\1.layer_norm.\2",
    ),
    (r"layer_norm\.(\w+)", r"feature_projection.layer_norm.\1"),
    (r"post_extract_proj\.(\w+)", r"feature_projection.projection.\1"),
    (r"encoder\.pos_conv\.0\.(\w+)", r"encoder.pos_conv_embed.conv.\1"),
    (r"(encoder\.layers\.\d+)\.self_attn\.(.+)", r"\1.attention.\2"),
    (r"(encoder\.layers\.\d+)\.self_attn_layer_norm\.(\w+)", r"\1.layer_norm.\2"),
    (r"(encoder\.layers\.\d+)\.fc1\.(\w+)", r"\1.feed_forward.intermediate_dense.\2"),
    (r"(encoder\.layers\.\d+)\.fc2\.(\w+)", r"\1.feed_forward.output_dense.\2"),
)
"""fairseq's names and those of transformers' HubertModel."""
_HUGGING_FACE_NAMES = ((r"hubert\.(.+)", r"\1"),)


class ContentVecEncoder(WeightedEncoder):
    """The twelfth layer of a ContentVec (or HuBERT base) network."""

    dim_key = "hidden_size"
    layout = "contentvec-1"
    lookahead = _FIELD - SPEECH_HOP

    def __init__(self, checkpoint: ConvertedFile, *, name: str, device: torch.device) -> None:
        super().__init__(
            name=name,
            version=self.version_of(checkpoint),
            dim=self.dim_of(checkpoint),
            device=device,
            plan=WindowPlan(1000),
        )
        self._network = self._furnish(_empty_network(checkpoint.config), checkpoint)

    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        missing = max(_FIELD - samples.shape[-1], 0)
        hidden = self._network(nn.functional.pad(samples, (0, missing))).last_hidden_state
        return hidden.mT  # (batch, dim, n_frames)

    @staticmethod
    def convert(source: Path) -> Checkpoint:
        """Read fairseq's file or Hugging Face's folder.

        Raises:
            FeatureError: it is neither, or has other than twelve layers.
        """
        if source.is_dir():
            found, config = _read_hugging_face(source)
        else:
            found, config = _read_fairseq(source)
        found = merge_weight_norm(found, _POSITIONS)
        if config["num_hidden_layers"] != _LAYER:
            raise FeatureError(
                f"{source}: has {config['num_hidden_layers']} layers, contentvec768l12 needs "
                f"{_LAYER}; check that it is the right file"
            )
        expected = _empty_network(config).state_dict()
        return Checkpoint(account_for(found, expected, harmless=_HARMLESS, source=source), config)


def _empty_network(config: dict[str, Any]) -> HubertModel:
    """The network without weights, its positional convolution's weight as one tensor."""
    with torch.device("meta"):
        network = HubertModel(HubertConfig(**config))
    parametrize.remove_parametrizations(network.encoder.pos_conv_embed.conv, "weight")
    return network


def _read_hugging_face(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    config_file, weight_files = hugging_face_files(folder)
    config = load_json(config_file)
    if config.get("model_type") != "hubert":
        raise FeatureError(
            f"{config_file}: model_type is {config.get('model_type')!r}, ContentVec needs 'hubert'"
        )
    found: dict[str, torch.Tensor] = {}
    for file in weight_files:
        found |= tensors_in(read_checkpoint(file), inside=(), source=file)
    # Without masking the network has no vector for masked frames.
    config |= {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}
    config.setdefault("num_hidden_layers", _LAYER)
    config.setdefault("hidden_size", 768)
    return rename(found, _HUGGING_FACE_NAMES), config


def _read_fairseq(source: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    found = tensors_in(read_checkpoint(source), inside=("model",), source=source)
    found = rename(found, _FAIRSEQ_NAMES)
    try:
        hidden, per_group, kernel = found["encoder.pos_conv_embed.conv.weight_v"].shape
        layers = {name.split(".")[2] for name in found if name.startswith("encoder.layers.")}
        convolutions = [found[f"feature_extractor.conv_layers.{i}.conv.weight"] for i in range(7)]
        feed_forward = found["encoder.layers.0.feed_forward.intermediate_dense.weight"].shape[0]
    except (KeyError, ValueError) as error:
        raise FeatureError(
            f"{source}: not a fairseq HuBERT or ContentVec checkpoint ({error} is missing or of "
            "another shape); check that it is the right file"
        ) from error
    config = {
        "hidden_size": hidden,
        "num_hidden_layers": len(layers),
        "num_attention_heads": hidden // _HEAD_CHANNELS,
        "intermediate_size": feed_forward,
        "conv_dim": [weight.shape[0] for weight in convolutions],
        "conv_kernel": [weight.shape[2] for weight in convolutions],
        "num_conv_pos_embeddings": kernel,
        "num_conv_pos_embedding_groups": hidden // per_group,
        "mask_time_prob": 0.0,
        "mask_feature_prob": 0.0,
    }
    return found, config
