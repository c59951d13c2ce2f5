"""Tiny encoder checkpoints of the true architectures, in each layout that is published.

Their weights are random, so they say nothing about speech; they let everything that reads, loads
and runs an encoder be tested in a moment and without the network.
"""

import argparse
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import HubertConfig, HubertModel, WhisperConfig, WhisperForConditionalGeneration

from ezrvc_features.content.hubert_soft import HubertSoft

HUBERT_SOFT_DIM = 24
CONTENTVEC_DIM = 64
CONTENTVEC_PROJECTED_DIM = 20
WHISPER_DIM = 32
WHISPER_POSITIONS = 100
"""Frames that the tiny Whisper knows positions for: 2 s."""


def tiny_hubert_soft(seed: int = 0) -> HubertSoft:
    """A narrow HuBERT-Soft with two layers, ready to run."""
    with seeded(seed):
        network = HubertSoft(
            channels=16,
            hidden=64,
            feed_forward=48,
            n_layers=2,
            units=HUBERT_SOFT_DIM,
            position_kernel=16,
            position_groups=4,
        )
    return network.eval()


def write_hubert_soft(path: Path, seed: int = 0) -> Path:
    """Write `tiny_hubert_soft` as the authors of HuBERT-Soft publish theirs."""
    state = tiny_hubert_soft(seed).state_dict()
    stem = "positional_embedding.conv.weight"
    direction = state.pop(stem)
    state[f"{stem}_g"] = direction.norm(dim=(0, 1), keepdim=True)
    state[f"{stem}_v"] = direction * 1.5  # its length must not matter
    state["masked_spec_embed"] = torch.zeros(64)
    state["label_embedding.weight"] = torch.zeros(10, HUBERT_SOFT_DIM)
    torch.save({"hubert": {f"module.{key}": value for key, value in state.items()}}, path)
    return path


class ProjectedHubert(HubertModel):
    """Transformers' HuBERT with the projection that ContentVec ends with, which it leaves out."""

    def __init__(self, config: HubertConfig) -> None:
        super().__init__(config)
        self.final_proj = nn.Linear(config.hidden_size, config.classifier_proj_size)


def tiny_contentvec(seed: int = 0, *, n_layers: int = 12) -> ProjectedHubert:
    """Transformers' own network with ContentVec's twelve layers, each very narrow."""
    config = HubertConfig(
        hidden_size=CONTENTVEC_DIM,
        num_hidden_layers=n_layers,
        num_attention_heads=1,
        intermediate_size=48,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        classifier_proj_size=CONTENTVEC_PROJECTED_DIM,
        initializer_range=0.06,
    )
    with seeded(seed):
        return ProjectedHubert(config).eval()


def write_contentvec_folder(folder: Path, seed: int = 0, *, n_layers: int = 12) -> Path:
    """Write `tiny_contentvec` in Hugging Face's layout."""
    tiny_contentvec(seed, n_layers=n_layers).save_pretrained(folder)
    return folder


def write_contentvec_fairseq(path: Path, seed: int = 0) -> Path:
    """Write `tiny_contentvec` as fairseq saves its models, foreign objects included."""
    return write_fairseq(path, tiny_contentvec(seed))


def write_fairseq(path: Path, network: HubertModel) -> Path:
    """Write a HuBERT of transformers as fairseq would."""
    state = {fairseq_name(key): value for key, value in network.state_dict().items()}
    state["label_embs_concat"] = torch.zeros(10, 8)
    with _fairseq_dictionary() as dictionary_class:
        dictionary = dictionary_class()
        dictionary.symbols = ["<s>", "</s>"]
        tree = {
            "args": argparse.Namespace(arch="hubert", layers=12),
            "cfg": None,
            "model": state,
            "task_state": {"dictionaries": [dictionary]},
        }
        torch.save(tree, path)
    return path


def tiny_whisper(seed: int = 0, *, n_mels: int = 80) -> WhisperForConditionalGeneration:
    """Transformers' own Whisper, encoder and decoder, very narrow and two seconds long."""
    config = WhisperConfig(
        vocab_size=20,
        num_mel_bins=n_mels,
        d_model=WHISPER_DIM,
        encoder_layers=2,
        encoder_attention_heads=2,
        encoder_ffn_dim=4 * WHISPER_DIM,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
        max_source_positions=WHISPER_POSITIONS,
        max_target_positions=8,
        init_std=0.1,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=3,
    )
    with seeded(seed):
        return WhisperForConditionalGeneration(config).eval()


def write_whisper_folder(folder: Path, seed: int = 0, *, n_mels: int = 80) -> Path:
    """Write `tiny_whisper` in Hugging Face's layout."""
    tiny_whisper(seed, n_mels=n_mels).save_pretrained(folder)
    return folder


def write_whisper_openai(path: Path, seed: int = 0, *, n_mels: int = 80) -> Path:
    """Write `tiny_whisper` as OpenAI publishes its models."""
    encoder = tiny_whisper(seed, n_mels=n_mels).model.encoder.state_dict()
    state = {_openai_name(key): value for key, value in encoder.items()}
    state["decoder.positional_embedding"] = torch.zeros(8, WHISPER_DIM)
    dims = {
        "n_mels": n_mels,
        "n_audio_ctx": WHISPER_POSITIONS,
        "n_audio_state": WHISPER_DIM,
        "n_audio_head": 2,
        "n_audio_layer": 2,
        "n_vocab": 20,
    }
    torch.save({"dims": dims, "model_state_dict": state}, path)
    return path


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random weights that are the same each time, and leave the caller's randomness alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def _fairseq_dictionary() -> Iterator[type[Any]]:
    """A class that pickles under the name of fairseq's Dictionary, for as long as it is needed."""
    dictionary_class = type("Dictionary", (), {"__module__": "fairseq.data.dictionary"})
    names = ("fairseq", "fairseq.data", "fairseq.data.dictionary")
    modules = {name: types.ModuleType(name) for name in names}
    vars(modules["fairseq.data.dictionary"])["Dictionary"] = dictionary_class
    known = {name: sys.modules.get(name) for name in names}
    sys.modules.update(modules)
    try:
        yield dictionary_class
    finally:
        for name, module in known.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def fairseq_name(name: str) -> str:
    """What fairseq calls a tensor of transformers' HubertModel, stated independently of reading."""
    if name == "masked_spec_embed":
        return "mask_emb"
    if name.startswith("feature_extractor."):
        # The large networks normalise every convolution, between two transpositions.
        is_group_norm = name.startswith("feature_extractor.conv_layers.0.layer_norm.")
        layer_norm = ".2." if is_group_norm else ".2.1."
        return name.replace(".conv.", ".0.").replace(".layer_norm.", layer_norm)
    if name.startswith("feature_projection."):
        name = name.removeprefix("feature_projection.")
        return name.replace("projection.", "post_extract_proj.")
    if name.startswith("encoder.pos_conv_embed."):
        name = name.replace("encoder.pos_conv_embed.conv.", "encoder.pos_conv.0.")
        name = name.replace("parametrizations.weight.original0", "weight_g")
        return name.replace("parametrizations.weight.original1", "weight_v")
    if name.startswith("encoder.layers."):
        if ".final_layer_norm." not in name:
            name = name.replace(".layer_norm.", ".self_attn_layer_norm.")
        name = name.replace(".attention.", ".self_attn.")
        name = name.replace(".feed_forward.intermediate_dense.", ".fc1.")
        return name.replace(".feed_forward.output_dense.", ".fc2.")
    return name


def _openai_name(name: str) -> str:
    """What OpenAI calls a tensor of transformers' WhisperEncoder."""
    name = name.replace("layers.", "blocks.", 1) if name.startswith("layers.") else name
    for theirs, ours in (
        ("attn.query", "self_attn.q_proj"),
        ("attn.key", "self_attn.k_proj"),
        ("attn.value", "self_attn.v_proj"),
        ("attn.out", "self_attn.out_proj"),
        ("attn_ln", "self_attn_layer_norm"),
        ("mlp_ln", "final_layer_norm"),
        ("mlp.0", "fc1"),
        ("mlp.2", "fc2"),
    ):
        name = name.replace(ours, theirs)
    if name.startswith("layer_norm."):
        name = name.replace("layer_norm.", "ln_post.")
    if name == "embed_positions.weight":
        name = "positional_embedding"
    return f"encoder.{name}"
