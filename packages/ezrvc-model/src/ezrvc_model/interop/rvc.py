"""Voices of RVC v1 and v2: one small `.pth`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch

from ezrvc_device.errors import ConfigurationError
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.encoders import decide_encoder
from ezrvc_model.interop.imported import ImportedGenerator, translate
from ezrvc_model.interop.reading import foreign_decoder, read_foreign, tensors_in
from ezrvc_model.interop.residual_blocks import residual_blocks
from ezrvc_model.voice_card import Origin, OriginFile

NOISE_SCALE = 0.66666
_ENCODERS = {"v1": "contentvec256l9", "v2": "contentvec768l12"}
_NAMED_RATES = {"32k": 32000, "40k": 40000, "48k": 48000}
_MEL_BANDS = {32000: 80, 40000: 125, 48000: 128}
_POSITIONS = (
    "spec_channels",
    "segment_size",
    "inter_channels",
    "hidden_channels",
    "filter_channels",
    "n_heads",
    "n_layers",
    "kernel_size",
    "p_dropout",
    "resblock",
    "resblock_kernel_sizes",
    "resblock_dilation_sizes",
    "upsample_rates",
    "upsample_initial_channel",
    "upsample_kernel_sizes",
    "spk_embed_dim",
    "gin_channels",
    "sampling_rate",
)
"""What stands where in the file's `config` list."""
_USED = {"weight", "config", "f0", "version", "vocoder", "info"}


def import_rvc(checkpoint: Path, *, encoder: str | None = None) -> ImportedGenerator:
    """Read a voice of RVC v1 or v2, with or without F0.

    Args:
        checkpoint: the small `.pth` that RVC exports.
        encoder: the content encoder it was trained with, if not the usual one of its version.

    Raises:
        ModelError: the file is missing, damaged or refused, is no RVC voice, has a decoder that
            is not known, or a tensor of it is missing, unknown or mis-shaped.
    """
    content = read_foreign(checkpoint)
    vocoder = content.get("vocoder", "HiFi-GAN")
    if vocoder != "HiFi-GAN":
        raise foreign_decoder(checkpoint, str(vocoder))
    tensors = tensors_in(content, "weight", checkpoint)
    version = str(content.get("version") or _version_by_width(tensors))
    if version not in _ENCODERS:
        raise ModelError(f"{checkpoint}: RVC version {version!r} is not known; v1 and v2 are")
    has_f0 = str(content.get("f0", 1)) not in ("0", "False")
    config = _config(_named(content, checkpoint), tensors, has_f0=has_f0, path=checkpoint)
    phone = "enc_p.emb_phone.weight"
    tensors[phone] = tensors[phone].unsqueeze(2)  # their linear layer is our convolution of 1
    return ImportedGenerator(
        config=config,
        state=translate(tensors, config, "rvc", str(checkpoint)),
        speakers={checkpoint.stem: 0},
        encoder=decide_encoder(config.content_dim, _ENCODERS[version], encoder, str(checkpoint)),
        stretch="nearest",
        unvoiced="zero",
        noise_scale=NOISE_SCALE,
        origin=Origin(
            kind="imported",
            files=(OriginFile.of(checkpoint),),
            note=f"RVC {version}, {'with' if has_f0 else 'without'} F0, {content.get('info', '')}",
        ),
        ignored=tuple(key for key in content if key not in _USED),
    )


def _named(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    values = content.get("config")
    if not isinstance(values, list | tuple) or len(values) != len(_POSITIONS):
        raise ModelError(
            f"{path}: its 'config' should be a list of {len(_POSITIONS)} values, got {values!r}"
        )
    return dict(zip(_POSITIONS, cast(list[Any], values), strict=True))


def _config(
    numbers: Mapping[str, Any],
    tensors: Mapping[str, torch.Tensor],
    *,
    has_f0: bool,
    path: Path,
) -> SynthesizerConfig:
    rate = numbers["sampling_rate"]
    rate = _NAMED_RATES.get(rate, rate) if isinstance(rate, str) else rate
    n_bins = numbers["spec_channels"]
    if not isinstance(n_bins, int) or not isinstance(rate, int):
        raise ModelError(f"{path}: its 'config' has {n_bins!r} bins at {rate!r} Hz: no numbers")
    tree = {
        "sample_rate": rate,
        "n_fft": 2 * (n_bins - 1),
        "n_mels": _MEL_BANDS.get(rate, 128),
        "content_dim": _axis(tensors, "enc_p.emb_phone.weight", 1, path),
        "content_kernel_size": 1,
        "n_speakers": _axis(tensors, "emb_g.weight", 0, path),
        "speaker_dim": _axis(tensors, "emb_g.weight", 1, path),
        "inter_channels": numbers["inter_channels"],
        "hidden_channels": numbers["hidden_channels"],
        "filter_channels": numbers["filter_channels"],
        "n_heads": numbers["n_heads"],
        "n_layers": numbers["n_layers"],
        "kernel_size": numbers["kernel_size"],
        "dropout": numbers["p_dropout"],
        "attention_window": 10,
        "flow_layers": 3,
        "pitch_embedding": has_f0,
        "voiced_embedding": False,
        "scaled_embedding": True,
        "predict_f0": False,
        "decoder": {
            "kind": "nsf-hifigan" if has_f0 else "hifigan",
            "upsample_rates": numbers["upsample_rates"],
            "upsample_kernel_sizes": numbers["upsample_kernel_sizes"],
            "upsample_initial_channels": numbers["upsample_initial_channel"],
            **residual_blocks(
                numbers["resblock_kernel_sizes"], numbers["resblock_dilation_sizes"], tensors
            ),
            "n_harmonics": 0,
            "normalised_ends": False,
            "output_bias": False,
        },
    }
    try:
        return SynthesizerConfig.from_tree(tree, source=str(path))
    except ConfigurationError as error:
        raise ModelError(str(error)) from error


def _version_by_width(tensors: Mapping[str, torch.Tensor]) -> str:
    """The version of a file that says none: the first ones said none, v2 hears 768 values."""
    phone = tensors.get("enc_p.emb_phone.weight")
    return "v2" if phone is not None and phone.shape[-1] == 768 else "v1"


def _axis(tensors: Mapping[str, torch.Tensor], name: str, axis: int, path: Path) -> int:
    if name not in tensors or tensors[name].ndim != 2:
        raise ModelError(f"{path}: has no usable {name}: not an RVC voice")
    return tensors[name].shape[axis]
