"""Tiny relatives of HuBERT in the layouts that their authors publish: WavLM, Spin, DPHuBERT."""

from pathlib import Path
from typing import Any

import torch
from transformers import HubertConfig, HubertModel, WavLMConfig, WavLMModel

from ezrvc_features.content.dphubert import PrunedHubert
from ezrvc_features.testing.checkpoints import fairseq_name, seeded, tiny_contentvec

HIDDEN = 128
"""Width of the tiny transformers of this module: two heads of 64 channels."""
_NARROW: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "initializer_range": 0.06,
}
_STRIDES = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))
_PRUNED: dict[str, Any] = {
    "channels": [16, 12, 16, 9, 16, 14, 10],
    "heads": [2, 1, 0, 2],
    "units": [48, 7, 20, 0],
}
"""Widths as different as pruning leaves them; one layer has no attention, one nothing after it."""


def tiny_hubert(seed: int = 0, *, n_layers: int = 12) -> HubertModel:
    """Transformers' own HuBERT base, very narrow."""
    with seeded(seed):
        return HubertModel(HubertConfig(**_NARROW, num_hidden_layers=n_layers)).eval()


def tiny_hubert_large(seed: int = 0, *, n_layers: int = 24) -> HubertModel:
    """Transformers' own HuBERT large, very narrow: it normalises before each layer."""
    config = HubertConfig(
        **_NARROW,
        num_hidden_layers=n_layers,
        do_stable_layer_norm=True,
        feat_extract_norm="layer",
        conv_bias=True,
    )
    with seeded(seed):
        return HubertModel(config).eval()


def tiny_wavlm(seed: int = 0) -> WavLMModel:
    """Transformers' own WavLM base, very narrow."""
    with seeded(seed):
        network = WavLMModel(WavLMConfig(**_NARROW, num_hidden_layers=12)).eval()
        for name, parameter in network.named_parameters():
            if name.endswith("gru_rel_pos_const"):  # random, so that their place matters
                torch.nn.init.normal_(parameter)
    return network


def write_wavlm(path: Path, seed: int = 0) -> Path:
    """Write `tiny_wavlm` as its authors publish theirs: `cfg` and `model`."""
    names = {
        "gru_rel_pos_linear": "grep_linear",
        "gru_rel_pos_const": "grep_a",
        "rel_attn_embed": "relative_attention_bias",
    }
    state: dict[str, torch.Tensor] = {}
    for key, tensor in tiny_wavlm(seed).state_dict().items():
        name = fairseq_name(key)
        for theirs, ours in names.items():
            name = name.replace(theirs, ours)
        state[name] = tensor
    torch.save({"cfg": {"normalize": False, "encoder_layers": 12}, "model": state}, path)
    return path


def write_spin(path: Path, seed: int = 0) -> Path:
    """Write `tiny_contentvec`, without its projection, as Spin's training saves it."""
    state = {
        f"encoder.model.{fairseq_name(key)}": value
        for key, value in tiny_contentvec(seed).state_dict().items()
        if not key.startswith("final_proj.")
    }
    state["pred_head.0.weight"] = torch.zeros(4, 64)
    state["loss_module.codebook"] = torch.zeros(8, 4)
    torch.save({"state_dict": state, "hyper_parameters": {"model": {"type": "SwavVQ"}}}, path)
    return path


def tiny_dphubert(seed: int = 0) -> PrunedHubert:
    """A pruned HuBERT of four layers, no two alike."""
    with seeded(seed):
        network = PrunedHubert(
            **_PRUNED, hidden=HIDDEN, head_channels=64, position_kernel=16, position_groups=4
        )
        for name, parameter in network.named_parameters():
            if "norm" not in name:
                torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


def write_dphubert(path: Path, seed: int = 0) -> Path:
    """Write `tiny_dphubert` as the authors of DPHuBERT publish theirs."""
    state = tiny_dphubert(seed).state_dict()
    stem = "encoder.transformer.pos_conv_embed.conv.weight"
    direction = state.pop(stem)
    state[f"{stem}_g"] = direction.norm(dim=(0, 1), keepdim=True)
    state[f"{stem}_v"] = direction * 1.5  # its length must not matter
    config = dphubert_config(**_PRUNED)
    torch.save({"state_dict": state, "config": config, "distill_linear_projs": {}}, path)
    return path


def dphubert_config(channels: list[int], heads: list[int], units: list[int]) -> dict[str, Any]:
    """What a checkpoint of DPHuBERT states of itself."""
    return {
        "extractor_mode": "group_norm",
        "extractor_conv_layer_config": [
            (n_channels, *step) for n_channels, step in zip(channels, _STRIDES, strict=True)
        ],
        "extractor_conv_bias": False,
        "encoder_embed_dim": HIDDEN,
        "encoder_projection_dropout": 0.1,
        "encoder_pos_conv_kernel": 16,
        "encoder_pos_conv_groups": 4,
        "encoder_num_layers": len(heads),
        "encoder_use_attention": [n_heads > 0 for n_heads in heads],
        "encoder_use_feed_forward": [n_units > 0 for n_units in units],
        "encoder_num_heads": heads,
        "encoder_head_dim": 64,
        "encoder_ff_interm_features": units,
        "encoder_layer_norm_first": False,
        "aux_num_out": None,
        "normalize_waveform": False,
    }
