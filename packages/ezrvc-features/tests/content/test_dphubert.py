"""Pruning nothing leaves HuBERT; what pruning removes is what had been made of no effect."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torchaudio.models.wav2vec2.utils import import_huggingface_model

from ezrvc_audio.testing import speech_like
from ezrvc_features.content.dphubert import PrunedHubert
from ezrvc_features.content.registry import load_encoder
from ezrvc_features.errors import FeatureError
from ezrvc_features.testing import hubert_checkpoints
from ezrvc_features.testing.hubert_checkpoints import dphubert_config

SPOKEN = speech_like(1.1, 16_000)
STEM = "encoder.transformer.layers"
WHOLE: dict[str, list[int]] = {"channels": [16] * 7, "heads": [2] * 3, "units": [48] * 3}


def assert_near(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def save(path: Path, state: dict[str, torch.Tensor], **widths: list[int]) -> Path:
    torch.save({"state_dict": state, "config": dphubert_config(**{**WHOLE, **widths})}, path)
    return path


def encode(path: Path) -> torch.Tensor:
    return load_encoder("dphubert", weights=path).encode(SPOKEN)


@pytest.fixture
def whole() -> dict[str, torch.Tensor]:
    """Transformers' unpruned HuBERT under torchaudio's names, which DPHuBERT keeps."""
    network = import_huggingface_model(hubert_checkpoints.tiny_hubert(seed=6, n_layers=3))
    return dict(network.state_dict())


def test_pruning_nothing_leaves_hubert(tmp_path: Path, whole: dict[str, torch.Tensor]) -> None:
    reference = hubert_checkpoints.tiny_hubert(seed=6, n_layers=3)
    with torch.no_grad():
        expected = reference(torch.from_numpy(SPOKEN.samples)).last_hidden_state[0].T
    assert_near(encode(save(tmp_path / "whole.pth", whole)), expected)


def test_a_removed_head_is_one_that_says_nothing(
    tmp_path: Path, whole: dict[str, torch.Tensor]
) -> None:
    """The first head of layer 1: its values zeroed, or all its channels cut out."""
    attention = f"{STEM}.1.attention"
    silent, pruned = dict(whole), dict(whole)
    for kind in ("weight", "bias"):
        value = whole[f"{attention}.v_proj.{kind}"].clone()
        value[:64] = 0
        silent[f"{attention}.v_proj.{kind}"] = value
        for name in "qkv":
            tensor = whole[f"{attention}.{name}_proj.{kind}"]
            pruned[f"{attention}.{name}_proj.{kind}"] = tensor[64:].clone()
    pruned[f"{attention}.out_proj.weight"] = whole[f"{attention}.out_proj.weight"][:, 64:].clone()
    content = encode(save(tmp_path / "pruned.pth", pruned, heads=[2, 1, 2]))
    assert_near(content, encode(save(tmp_path / "silent.pth", silent)))
    assert not torch.allclose(content, encode(save(tmp_path / "whole.pth", whole)), atol=1e-3)


def test_removed_units_are_ones_that_say_nothing(
    tmp_path: Path, whole: dict[str, torch.Tensor]
) -> None:
    network = f"{STEM}.2.feed_forward"
    kept = torch.arange(48) % 5 != 0  # 38 of them
    silent, pruned = dict(whole), dict(whole)
    silent[f"{network}.output_dense.weight"] = whole[f"{network}.output_dense.weight"] * kept
    pruned[f"{network}.output_dense.weight"] = whole[f"{network}.output_dense.weight"][:, kept]
    for kind in ("weight", "bias"):
        tensor = whole[f"{network}.intermediate_dense.{kind}"]
        pruned[f"{network}.intermediate_dense.{kind}"] = tensor[kept]
    content = encode(save(tmp_path / "pruned.pth", pruned, units=[48, 48, 38]))
    assert_near(content, encode(save(tmp_path / "silent.pth", silent)))


def test_removed_channels_are_ones_that_nobody_hears(
    tmp_path: Path, whole: dict[str, torch.Tensor]
) -> None:
    """Of the first convolution, whose channels are normalised one by one."""
    stem = "feature_extractor.conv_layers"
    kept = torch.arange(16) % 3 != 0  # 10 of them
    silent, pruned = dict(whole), dict(whole)
    heard = whole[f"{stem}.1.conv.weight"]
    silent[f"{stem}.1.conv.weight"] = heard * kept[:, None]
    pruned[f"{stem}.1.conv.weight"] = heard[:, kept]
    for name in ("conv.weight", "layer_norm.weight", "layer_norm.bias"):
        pruned[f"{stem}.0.{name}"] = whole[f"{stem}.0.{name}"][kept]
    content = encode(save(tmp_path / "pruned.pth", pruned, channels=[10, *[16] * 6]))
    assert_near(content, encode(save(tmp_path / "silent.pth", silent)))


@pytest.mark.parametrize("part", ["attention", "feed_forward"])
def test_a_removed_part_is_one_that_adds_nothing(
    part: str, tmp_path: Path, whole: dict[str, torch.Tensor]
) -> None:
    """Its norm stays: the layer without it still normalises."""
    last = "out_proj" if part == "attention" else "output_dense"
    silent = dict(whole)
    for kind in ("weight", "bias"):
        name = f"{STEM}.0.{part}.{last}.{kind}"
        silent[name] = torch.zeros_like(whole[name])
    pruned = {name: tensor for name, tensor in whole.items() if f"{STEM}.0.{part}." not in name}
    widths = {"heads": [0, 2, 2]} if part == "attention" else {"units": [0, 48, 48]}
    content = encode(save(tmp_path / "pruned.pth", pruned, **widths))
    assert_near(content, encode(save(tmp_path / "silent.pth", silent)))


def test_the_weight_of_each_channel_counts(tmp_path: Path, whole: dict[str, torch.Tensor]) -> None:
    """A weight on the last channels is the same as one on what the projection takes of them."""
    factors = torch.linspace(0.5, 1.5, 16)
    weighted = whole | {"feature_extractor.dummy_weight": factors}
    shape: dict[str, Any] = {**WHOLE, "hidden": 128, "position_kernel": 16, "position_groups": 4}
    network = PrunedHubert(**shape)
    samples = torch.from_numpy(SPOKEN.samples)[:, None]
    path = save(tmp_path / "weighted.pth", weighted)
    loaded: Any = load_encoder("dphubert", weights=path)
    plain: Any = load_encoder("dphubert", weights=save(tmp_path / "plain.pth", whole))
    assert network.state_dict().keys() == loaded._network.state_dict().keys()
    with torch.no_grad():
        assert_near(
            loaded._network.feature_extractor(samples),
            plain._network.feature_extractor(samples) * factors,
        )


def test_its_own_checkpoint_is_read(tmp_path: Path) -> None:
    path = hubert_checkpoints.write_dphubert(tmp_path / "DPHuBERT-sp0.75.pth", seed=7)
    with torch.no_grad():
        network = hubert_checkpoints.tiny_dphubert(seed=7)
        expected = network(torch.from_numpy(SPOKEN.samples))[0]
    assert_near(encode(path), expected)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("extractor_mode", "layer_norm", "extractor_mode is 'layer_norm', DPHuBERT base has"),
        ("encoder_layer_norm_first", True, "only pruned HuBERT base networks"),
        ("normalize_waveform", True, "normalize_waveform is True"),
        ("encoder_num_heads", [2, 2], "its configuration is not that of a DPHuBERT checkpoint"),
        ("encoder_num_heads", None, "its configuration is not that of a DPHuBERT checkpoint"),
        ("extractor_conv_layer_config", [(16, 10, 5)], "are not those of HuBERT"),
        ("encoder_ff_interm_features", [48, 48, 40], r"intermediate_dense.bias \(48,\) instead"),
    ],
)
def test_a_network_of_another_kind_is_refused(
    key: str, value: Any, message: str, tmp_path: Path, whole: dict[str, torch.Tensor]
) -> None:
    config = dphubert_config(**WHOLE) | {key: value}
    torch.save({"state_dict": whole, "config": config}, tmp_path / "odd.pth")
    with pytest.raises(FeatureError, match=rf"odd\.pth: .*{message}"):
        encode(tmp_path / "odd.pth")


def test_a_checkpoint_without_configuration_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "bare.pth")
    with pytest.raises(FeatureError, match=r"bare\.pth: not a DPHuBERT checkpoint"):
        encode(tmp_path / "bare.pth")
