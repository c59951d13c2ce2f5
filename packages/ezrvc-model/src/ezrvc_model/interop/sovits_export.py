"""A voice written as so-vits-svc 4.1 reads it: `G_<step>.pth` and `config.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from ezrvc_device.atomic import atomic_file, write_text
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.encoders import SOVITS_NAMES
from ezrvc_model.interop.imported import shapes_of
from ezrvc_model.interop.names import generator_names
from ezrvc_model.interop.variations import add_filters, add_shared_copies, split_folded

_FIXED = {
    "attention_window": 4,
    "posterior_layers": 16,
    "content_kernel_size": 5,
    "scaled_embedding": False,
    "voiced_embedding": True,
    "pitch_embedding": True,
}
_FIXED_IN_DECODER = {"n_harmonics": 8, "normalised_ends": True, "output_bias": True}
_SOURCE_RATE = 44100


def export_sovits(
    folder: Path,
    config: SynthesizerConfig,
    state: Mapping[str, torch.Tensor],
    speakers: Mapping[str, int],
    *,
    encoder: str,
    stretch: Literal["nearest", "left"] = "nearest",
    step: int = 0,
) -> Path:
    """Write a voice for so-vits-svc 4.1.

    Args:
        folder: where `G_<step>.pth` and `config.json` go.
        config: of the network.
        state: of the network, in training form or with weight normalisation folded; the posterior
            encoder may be absent.
        speakers: name to row of the speaker table.
        encoder: name of its content encoder.
        stretch: how content is brought to the frame grid.
        step: for the file's name.

    Returns:
        The checkpoint's path.

    Raises:
        ModelError: so-vits-svc cannot express this network or encoder.
        OSError: the folder cannot be written.
    """
    if encoder not in SOVITS_NAMES:
        raise ModelError(
            f"so-vits-svc has no encoder {encoder!r}; it has {', '.join(sorted(SOVITS_NAMES))} "
            "(as ONNX a voice can be exported with any)"
        )
    _check_expressible(config)
    shapes = shapes_of(config)
    expected = generator_names(shapes, config.decoder, "sovits")
    theirs = generator_names(state, config.decoder, "sovits")
    tensors = split_folded(
        {
            theirs[name]: tensor.detach().float().cpu().contiguous()
            for name, tensor in state.items()
        },
        set(expected.values()),
    )
    if config.decoder.has_snake:
        tensors = add_filters(tensors)
    if config.share_flow:
        tensors = add_shared_copies(tensors, config.n_couplings)
    path = folder / f"G_{step}.pth"
    with atomic_file(path) as temporary:
        content = {"model": tensors, "iteration": 0, "optimizer": None, "learning_rate": 1e-4}
        torch.save(content, temporary)
    tree = sovits_config(config, speakers, encoder=encoder, stretch=stretch)
    write_text(folder / "config.json", json.dumps(tree, indent=2, ensure_ascii=False) + "\n")
    return path


def sovits_config(
    config: SynthesizerConfig, speakers: Mapping[str, int], *, encoder: str, stretch: str
) -> dict[str, Any]:
    """The tree of `config.json`: what running the voice needs, and nothing about training."""
    decoder = config.decoder
    transformer = config.flow == "transformer"
    return {
        "data": {
            "sampling_rate": config.sample_rate,
            "filter_length": config.n_fft,
            "hop_length": config.hop_length,
            "win_length": config.n_fft,
            "n_mel_channels": config.n_mels,
            "mel_fmin": config.mel_fmin_hz,
            "mel_fmax": config.mel_fmax_hz,
            "unit_interpolate_mode": stretch,
        },
        "model": {
            "inter_channels": config.inter_channels,
            "hidden_channels": config.hidden_channels,
            "filter_channels": config.filter_channels,
            "n_heads": config.n_heads,
            "n_layers": config.n_layers,
            "kernel_size": config.kernel_size,
            "p_dropout": config.dropout,
            "resblock": "1" if decoder.paired_convolutions else "2",
            "resblock_kernel_sizes": decoder.resblock_kernel_sizes,
            "resblock_dilation_sizes": decoder.resblock_dilations,
            "upsample_rates": decoder.upsample_rates,
            "upsample_initial_channel": decoder.upsample_initial_channels,
            "upsample_kernel_sizes": decoder.upsample_kernel_sizes,
            "n_layers_trans_flow": config.flow_layers if transformer else 3,
            "n_flow_layer": config.n_couplings if transformer else config.flow_layers,
            "gin_channels": config.speaker_dim,
            "ssl_dim": config.content_dim,
            "n_speakers": config.n_speakers,
            "vocoder_name": decoder.kind,
            "speech_encoder": SOVITS_NAMES[encoder],
            "vol_embedding": config.volume_embedding,
            "use_depthwise_conv": config.depthwise,
            "flow_share_parameter": config.share_flow,
            "use_automatic_f0_prediction": config.predict_f0,
            "use_transformer_flow": transformer,
        },
        "spk": dict(speakers),
    }


def _check_expressible(config: SynthesizerConfig) -> None:
    """What so-vits-svc has no key for must be what it takes for granted."""
    wrong = [
        f"{key} {getattr(part, key)!r} (must be {value!r})"
        for part, fixed in ((config, _FIXED), (config.decoder, _FIXED_IN_DECODER))
        for key, value in fixed.items()
        if getattr(part, key) != value
    ]
    if not config.decoder.has_source:
        wrong.append(f"decoder {config.decoder.kind!r} (must have a source)")
    if (config.decoder.source_sample_rate or config.sample_rate) != _SOURCE_RATE:
        wrong.append(f"a source that counts at another rate than {_SOURCE_RATE} Hz")
    if config.flow == "residual" and config.n_couplings != 4:
        wrong.append(f"n_couplings {config.n_couplings} (must be 4)")
    if wrong:
        raise ModelError(f"so-vits-svc cannot express this network: {'; '.join(wrong)}")
