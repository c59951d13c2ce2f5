"""The published layouts of HuBERT and WavLM, read into the names of transformers' networks.

A folder of the Hugging Face Hub says in `config.json` what it holds. A single file is one of

- fairseq's: ContentVec's `checkpoint_best_legacy_500.pt`, `hubert_base.pt`,
  `chinese-hubert-large-fairseq-ckpt.pt`;
- WavLM's own `WavLM-Base+.pt`, which has fairseq's names and those of its relative positions;
- Spin's `spin_hubert_2048.ckpt`, where fairseq's names follow `encoder.model.`;
- the weights of a Hugging Face folder without their `config.json`.

Its tensors tell everything that shapes the network.
"""

from pathlib import Path
from typing import Any

import torch

from ezrvc_features.content.checkpoint import (
    hugging_face_files,
    load_json,
    merge_weight_norm,
    rename,
    tensors_in,
)
from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.content.hubert_parts import HEAD_CHANNELS, KERNELS_AND_STRIDES
from ezrvc_features.errors import FeatureError

POSITIONS = "encoder.pos_conv_embed.conv.weight"
PROJECTION = "final_proj"
HARMLESS = (
    r"masked_spec_embed|label_embs_concat"
    r"|(lm_head|pred_head|loss_module)\..*"
)
"""Of pre-training or of other tasks: the vector for masked frames, embeddings of units, heads."""
_WRAPPED = ((r"encoder\.model\.(.+)", r"\1"), (r"(?:hubert|wavlm)\.(.+)", r"\1"))
_ATTENTION = (
    ("grep_linear", "gru_rel_pos_linear"),
    ("grep_a", "gru_rel_pos_const"),
    ("relative_attention_bias", "rel_attn_embed"),
)
"""WavLM's own names for its gated relative positions, and those of transformers."""
_FAIRSEQ_NAMES = (
    (r"mask_emb", r"masked_spec_embed"),
    (
        r"feature_extractor\.conv_layers\.(\d+)\.0\.(\w+)",
        r"feature_extractor.conv_layers.\1.conv.\2",
    ),
    (
        r"feature_extractor\.conv_layers\.(\d+)\.2\.(?:1\.)?(\w+)",
        r"feature_extractor.conv_layers.\1.layer_norm.\2",
    ),
    (r"layer_norm\.(\w+)", r"feature_projection.layer_norm.\1"),
    (r"post_extract_proj\.(\w+)", r"feature_projection.projection.\1"),
    (r"encoder\.pos_conv\.0\.(\w+)", r"encoder.pos_conv_embed.conv.\1"),
    *(
        (rf"(encoder\.layers\.\d+)\.self_attn\.{theirs}(.*)", rf"\1.attention.{ours}\2")
        for theirs, ours in _ATTENTION
    ),
    (r"(encoder\.layers\.\d+)\.self_attn\.(.+)", r"\1.attention.\2"),
    (r"(encoder\.layers\.\d+)\.self_attn_layer_norm\.(\w+)", r"\1.layer_norm.\2"),
    (r"(encoder\.layers\.\d+)\.fc1\.(\w+)", r"\1.feed_forward.intermediate_dense.\2"),
    (r"(encoder\.layers\.\d+)\.fc2\.(\w+)", r"\1.feed_forward.output_dense.\2"),
)
"""fairseq's names and those of transformers."""
_UNMASKED = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}
"""Without masking the network has no vector for masked frames."""


def read_published(source: Path, model_type: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors and the configuration of a published network, under transformers' names.

    Args:
        source: a folder in Hugging Face's layout, or a file.
        model_type: what it has to be, `hubert` or `wavlm`.

    Raises:
        FeatureError: it is something else, or its frames are not of 20 ms.
    """
    if source.is_dir():
        found, config = _read_folder(source)
    else:
        found, config = _read_file(source)
    if config.get("model_type") != model_type:
        where = source / "config.json" if source.is_dir() else source
        raise FeatureError(
            f"{where}: model_type is {config.get('model_type')!r}, this encoder needs "
            f"{model_type!r}; check that it is the right one"
        )
    kernels, strides = zip(*KERNELS_AND_STRIDES, strict=True)
    if (
        tuple(config.setdefault("conv_kernel", list(kernels))) != kernels
        or tuple(config.setdefault("conv_stride", list(strides))) != strides
    ):
        raise FeatureError(
            f"{source}: its convolutions span {config['conv_kernel']} frames every "
            f"{config['conv_stride']}, this encoder needs {list(kernels)} every {list(strides)}: "
            "50 frames a second"
        )
    return found, config


def _read_folder(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    config_file, weight_files = hugging_face_files(folder)
    config = load_json(config_file) | _UNMASKED
    config.setdefault("hidden_size", 768)
    config.setdefault("num_hidden_layers", 12)
    found: dict[str, torch.Tensor] = {}
    for file in weight_files:
        found |= tensors_in(read_checkpoint(file), inside=(), source=file)
    return merge_weight_norm(rename(found, _WRAPPED), POSITIONS), config


def _read_file(source: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    found = tensors_in(read_checkpoint(source), inside=("model", "state_dict"), source=source)
    found = rename(rename(found, _WRAPPED), _FAIRSEQ_NAMES)
    found = merge_weight_norm(found, POSITIONS)
    try:
        return found, _config_of(found)
    except (KeyError, ValueError) as error:
        raise FeatureError(
            f"{source}: not a HuBERT, ContentVec or WavLM checkpoint ({error} is missing or of "
            "another shape); check that it is the right file"
        ) from error


def _config_of(found: dict[str, torch.Tensor]) -> dict[str, Any]:
    """The numbers that shape the network, read off its tensors.

    The large networks normalise each convolution's output and, before each layer, its input; the
    base ones do neither.
    """
    hidden, per_group, kernel = found[POSITIONS].shape
    layers = {name.split(".")[2] for name in found if name.startswith("encoder.layers.")}
    convolutions = {name.split(".")[2] for name in found if name.startswith("feature_extractor.")}
    extractor = [
        found[f"feature_extractor.conv_layers.{index}.conv.weight"]
        for index in range(len(convolutions))
    ]
    is_large = "feature_extractor.conv_layers.1.layer_norm.weight" in found
    config = {
        "model_type": "hubert",
        "hidden_size": hidden,
        "num_hidden_layers": len(layers),
        "num_attention_heads": hidden // HEAD_CHANNELS,
        "intermediate_size": found["encoder.layers.0.feed_forward.intermediate_dense.weight"].shape[
            0
        ],
        "conv_dim": [weight.shape[0] for weight in extractor],
        "conv_kernel": [weight.shape[2] for weight in extractor],
        "conv_bias": "feature_extractor.conv_layers.0.conv.bias" in found,
        "feat_extract_norm": "layer" if is_large else "group",
        "do_stable_layer_norm": is_large,
        "num_conv_pos_embeddings": kernel,
        "num_conv_pos_embedding_groups": hidden // per_group,
        **_UNMASKED,
    }
    buckets = found.get("encoder.layers.0.attention.rel_attn_embed.weight")
    if buckets is not None:
        config |= {"model_type": "wavlm", "num_buckets": buckets.shape[0]}
    return config
