"""What a so-vits-svc 4.x `config.json` means, checked against the checkpoint beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch

from ezrvc_device.errors import ConfigurationError
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.residual_blocks import residual_blocks

# so-vits-svc tells its generator no rate: the source always counts at this one
_SOURCE_RATE = 44100
_POSTERIOR_LAYERS = 16
_N_COUPLINGS = 4
_VOCODERS = {"nsf-hifigan": "nsf-hifigan", "nsf-snake-hifigan": "nsf-snake-hifigan"}
# keys that only say again what other keys or the tensors say
_REDUNDANT = {"model.n_speakers", "model.resblock", "data.win_length", "model.n_layers_q"}
_USED_ELSEWHERE = {"model.speech_encoder", "data.unit_interpolate_mode", "spk"}


@dataclass
class _Keys:
    """A configuration that remembers which of its keys were asked for."""

    tree: Mapping[str, Any]
    what: str
    used: set[str]

    def get(self, name: str, default: Any) -> Any:
        self.used.add(name)
        section, key = name.split(".")
        return self._section(section).get(key, default)

    def unused(self) -> tuple[str, ...]:
        names: list[str] = []
        for section, values in self.tree.items():
            if isinstance(values, Mapping) and section != "spk":
                names += [f"{section}.{key}" for key in cast(Mapping[str, Any], values)]
            else:
                names.append(section)
        return tuple(name for name in names if name not in self.used | _USED_ELSEWHERE | _REDUNDANT)

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self.tree.get(name, {})
        if not isinstance(section, Mapping):
            raise ModelError(f"{self.what}: section {name!r} must be an object, got {section!r}")
        return cast(Mapping[str, Any], section)


def read_sovits_config(
    tree: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], what: str
) -> tuple[SynthesizerConfig, tuple[str, ...]]:
    """The configuration of the network.

    What the checkpoint's tensors show (widths, number of speakers, and every part whose key the
    configuration lacks, as those of 4.0 do) is taken from them.

    Args:
        tree: of the JSON file.
        tensors: of the generator, by their names.
        what: the configuration file, for messages.

    Returns:
        The configuration, and the dotted names of the keys that mean nothing here.

    Raises:
        ModelError: the file contradicts the checkpoint or itself, or names something that is not
            supported.
    """
    keys = _Keys(tree, what, set())
    for section in ("model", "data"):
        if section not in tree:
            raise ModelError(f"{what}: has no section {section!r}: not a so-vits-svc configuration")
    if keys.get("model.use_spectral_norm", False):
        keys.used.discard("model.use_spectral_norm")  # of the discriminator: reported as ignored
    values = _network(keys, tensors)
    values["decoder"] = _decoder(keys, tensors)
    _check_against(keys, values, tensors)
    try:
        config = SynthesizerConfig.from_tree(values, source=what)
    except ConfigurationError as error:
        raise ModelError(str(error)) from error
    hop_length = keys.get("data.hop_length", config.hop_length)
    if hop_length != config.hop_length:
        raise ModelError(
            f"{what}: hop_length {hop_length} is not the product of upsample_rates "
            f"{list(config.decoder.upsample_rates)}, {config.hop_length}: not a valid voice"
        )
    return config, keys.unused()


def _network(keys: _Keys, tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    def holds(part: str) -> bool:
        return any(part in name for name in tensors)

    transformer = keys.get("model.use_transformer_flow", holds(".enc.cond_pre."))
    n_flow_layer = keys.get("model.n_flow_layer", 4)
    n_layers_trans_flow = keys.get("model.n_layers_trans_flow", 3)
    speakers = _tensor(tensors, "emb_g.weight", keys.what)
    content = _tensor(tensors, "pre.weight", keys.what)
    return {
        "sample_rate": keys.get("data.sampling_rate", 44100),
        "n_fft": keys.get("data.filter_length", 2048),
        "n_mels": keys.get("data.n_mel_channels", 80),
        "mel_fmin_hz": keys.get("data.mel_fmin", 0.0) or 0.0,
        "mel_fmax_hz": keys.get("data.mel_fmax", None),
        "content_dim": content.shape[1],
        "content_kernel_size": content.shape[2],
        "n_speakers": speakers.shape[0],
        "speaker_dim": speakers.shape[1],
        "inter_channels": keys.get("model.inter_channels", 192),
        "hidden_channels": keys.get("model.hidden_channels", 192),
        "filter_channels": keys.get("model.filter_channels", 768),
        "n_heads": keys.get("model.n_heads", 2),
        "n_layers": keys.get("model.n_layers", 6),
        "kernel_size": keys.get("model.kernel_size", 3),
        "dropout": keys.get("model.p_dropout", 0.1),
        "attention_window": 4,
        "posterior_layers": _POSTERIOR_LAYERS,
        "flow": "transformer" if transformer else "residual",
        # one key, two meanings: depth of a residual coupling, number of transformer couplings
        "n_couplings": n_flow_layer if transformer else _N_COUPLINGS,
        "flow_layers": n_layers_trans_flow if transformer else n_flow_layer,
        "share_flow": keys.get("model.flow_share_parameter", holds("flow.wn.")),
        "depthwise": keys.get("model.use_depthwise_conv", holds(".depth_conv.")),
        "volume_embedding": keys.get("model.vol_embedding", holds("emb_vol.")),
        "predict_f0": keys.get("model.use_automatic_f0_prediction", holds("f0_decoder.")),
        "pitch_overflow": "zero",
    }


def _decoder(keys: _Keys, tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    vocoder = str(keys.get("model.vocoder_name", "nsf-hifigan"))
    if vocoder not in _VOCODERS:
        raise ModelError(
            f"{keys.what}: its decoder is {vocoder!r}, which is not supported; "
            f"supported: {', '.join(_VOCODERS)}"
        )
    rate = keys.get("data.sampling_rate", _SOURCE_RATE)
    source_rate = keys.get("model.sampling_rate", _SOURCE_RATE)
    return {
        "kind": _VOCODERS[vocoder],
        "upsample_rates": keys.get("model.upsample_rates", [8, 8, 2, 2, 2]),
        "upsample_kernel_sizes": keys.get("model.upsample_kernel_sizes", [16, 16, 4, 4, 4]),
        "upsample_initial_channels": keys.get("model.upsample_initial_channel", 512),
        **residual_blocks(
            keys.get("model.resblock_kernel_sizes", [3, 7, 11]),
            keys.get("model.resblock_dilation_sizes", [[1, 3, 5]] * 3),
            tensors,
        ),
        "source_sample_rate": None if source_rate == rate else source_rate,
    }


def _check_against(
    keys: _Keys, values: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
) -> None:
    """Contradictions between the two files, in words instead of a table of shapes."""
    for key, seen in (
        ("model.ssl_dim", values["content_dim"]),
        ("model.gin_channels", values["speaker_dim"]),
    ):
        said = keys.get(key, seen)
        if said != seen:
            raise ModelError(
                f"{keys.what}: {key} is {said}, the checkpoint's is {seen}: these two files do "
                "not belong together"
            )


def _tensor(tensors: Mapping[str, torch.Tensor], name: str, what: str) -> torch.Tensor:
    expected_axes = {"emb_g.weight": 2, "pre.weight": 3}[name]
    if "enc_p.emb_phone.weight" in tensors:
        raise ModelError(
            f"{what}: the checkpoint beside it is one of RVC's training; take the small .pth that "
            "RVC extracts from it, which needs no configuration"
        )
    if name not in tensors or tensors[name].ndim != expected_axes:
        raise ModelError(
            f"{what}: the checkpoint beside it has no usable {name}: not a so-vits-svc generator"
        )
    return tensors[name]
