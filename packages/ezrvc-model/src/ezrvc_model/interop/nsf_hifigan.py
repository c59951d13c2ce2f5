"""NSF-HiFiGAN vocoders in openvpi's layout: a checkpoint and `config.json` in one folder.

The published weights (openvpi, 2022-12) are under CC BY-NC-SA 4.0: not for commercial use.
"""

from pathlib import Path
from typing import Any

import torch

from ezrvc_device.errors import ConfigurationError
from ezrvc_features.spectrogram import MelSpec
from ezrvc_model.config import DecoderConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.accounting import account_for
from ezrvc_model.interop.names import generator_names
from ezrvc_model.interop.reading import read_foreign, read_json, tensors_in
from ezrvc_model.interop.residual_blocks import residual_blocks
from ezrvc_model.interop.variations import split_folded
from ezrvc_model.vocoders.mel_vocoder import HiFiGANVocoder


def import_nsf_hifigan(checkpoint: Path, config: Path | None = None) -> HiFiGANVocoder:
    """Read a stand-alone NSF-HiFiGAN vocoder.

    Args:
        checkpoint: the file named `model` (or `model.ckpt`), which holds `generator`.
        config: its `config.json`; None: the one beside the checkpoint.

    Raises:
        ModelError: a file is missing, damaged or refused, the configuration cannot be, or a tensor
            is missing, unknown or mis-shaped.
    """
    config_path = config or checkpoint.parent / "config.json"
    tensors = tensors_in(read_foreign(checkpoint), "generator", checkpoint)
    decoder, mel = _read_config(read_json(config_path), tensors, config_path)
    vocoder = HiFiGANVocoder(decoder, mel)
    state = vocoder.state_dict()
    # the same network stands below `dec.` in so-vits-svc's generators
    names = {
        ours: theirs.removeprefix("dec.")
        for ours, theirs in generator_names(state, decoder, "sovits").items()
    }
    expected = {theirs: state[ours].shape for ours, theirs in names.items()}
    tensors = split_folded(tensors, expected)
    account_for(tensors, expected, f"{checkpoint} against {config_path}")
    vocoder.load_state_dict({ours: tensors[theirs] for ours, theirs in names.items()})
    return vocoder


def _read_config(
    tree: dict[str, Any], tensors: dict[str, torch.Tensor], path: Path
) -> tuple[DecoderConfig, MelSpec]:
    try:
        decoder = DecoderConfig.from_tree(
            {
                "kind": "nsf-hifigan",
                "upsample_rates": tree["upsample_rates"],
                "upsample_kernel_sizes": tree["upsample_kernel_sizes"],
                "upsample_initial_channels": tree["upsample_initial_channel"],
                **residual_blocks(
                    tree["resblock_kernel_sizes"], tree["resblock_dilation_sizes"], tensors
                ),
            },
            source=str(path),
        )
        mel = MelSpec(
            tree["sampling_rate"], tree["n_fft"], tree["num_mels"], tree["fmin"], tree["fmax"]
        )
    except KeyError as error:
        raise ModelError(f"{path}: lacks the key {error}: not a vocoder's configuration") from None
    except (ConfigurationError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: {error}") from error
    hop_length = tree.get("hop_size", decoder.hop_length)
    if hop_length != decoder.hop_length:
        raise ModelError(
            f"{path}: hop_size {hop_length} is not the product of upsample_rates, "
            f"{decoder.hop_length}"
        )
    return decoder, mel
