from pathlib import Path
from typing import Any

import pytest
import torch

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.discriminators.discriminator import RVC_V1_PERIODS, Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.discriminators import import_discriminator
from ezrvc_model.interop.names import discriminator_names
from ezrvc_model.interop.rvc import import_rvc
from ezrvc_model.noise import ZeroNoise
from ezrvc_model.testing import write_rvc_checkpoint


def as_rvc(config: SynthesizerConfig, *, width: int) -> SynthesizerConfig:
    fixed = {"n_mels": 128, "flow_layers": 3, "posterior_layers": 16, "dropout": 0.0}
    return config.model_copy(update={"content_dim": width, **fixed})


@pytest.fixture
def voice(tmp_path: Path, make_network):
    """Writes a voice as RVC would; gives the network and the path."""

    def make(config: SynthesizerConfig, /, **changes: Any):
        network = make_network(config)
        network.posterior_encoder = None
        path = tmp_path / "Ada Lovelace.pth"
        write_rvc_checkpoint(path, network, **changes)
        return network, path

    return make


@pytest.mark.parametrize("name", ["rvc", "rvc without F0"])
@pytest.mark.parametrize(
    ("version", "width", "encoder"),
    [
        (None, 256, "contentvec256l9"),
        ("v1", 256, "contentvec256l9"),
        ("v2", 768, "contentvec768l12"),
        (None, 768, "contentvec768l12"),
    ],
)
def test_a_voice_comes_back_as_it_was(variants, voice, make_inputs, name, version, width, encoder):
    config = as_rvc(variants[name], width=width)
    network, path = voice(config, **({} if version is None else {"version": version}))
    imported = import_rvc(path)
    assert imported.config == config
    assert imported.encoder == encoder
    assert imported.unvoiced == "zero"
    assert imported.speakers == {"Ada Lovelace": 0}
    assert imported.origin.note.startswith(f"RVC {'v2' if width == 768 else 'v1'}, ")
    assert imported.ignored == ("sr",)
    inputs = make_inputs(config)
    with torch.no_grad():
        assert torch.equal(
            imported.build().eval().infer(**inputs, noise=ZeroNoise()),
            network.infer(**inputs, noise=ZeroNoise()),
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocoder": "RefineGAN"}, "its decoder is RefineGAN, which is not supported"),
        ({"version": "v3"}, "RVC version 'v3' is not known"),
        (
            {"version": "v2"},
            "encoder 'contentvec768l12' gives vectors of 768, this voice takes 256",
        ),
        ({"config": [1, 2]}, "should be a list of 18 values"),
        ({"config": ["no"] * 18}, "has 'no' bins at 'no' Hz"),
        ({"weight": {}}, "holds no weights under 'weight'"),
        ({"weight": {"dec.mrfs.0.weight": torch.zeros(1)}}, "its decoder is MRF HiFi-GAN"),
        ({"weight": {"dec.upsample_blocks.0.x": torch.zeros(1)}}, "its decoder is RefineGAN"),
        ({"weight": {"dec.downsample_blocks.0.x": torch.zeros(1)}}, "its decoder is RefineGAN"),
        ({"weight": {"dec.mel_conv.weight": torch.zeros(1)}}, "its decoder is RefineGAN"),
        ({"weight": {"dec.ups.0.bias": 5}}, "dec.ups.0.bias is a int, not a tensor"),
        ({"weight": {"dec.ups.0.bias": torch.zeros(1)}}, "has no usable emb"),
    ],
)
def test_what_is_no_voice_for_this_network_is_refused_by_name(variants, voice, changes, message):
    _, path = voice(as_rvc(variants["rvc"], width=256), **changes)
    with pytest.raises(ModelError, match=message.replace("usable emb", "usable enc_p.emb_phone")):
        import_rvc(path)


@pytest.mark.parametrize("rate", [40000, "40k"])
def test_its_rate_is_a_number_or_its_name(variants, voice, rate):
    _, path = voice(as_rvc(variants["rvc"], width=256))
    content = torch.load(path, weights_only=True)
    torch.save(content | {"config": [*content["config"][:-1], rate]}, path)
    config = import_rvc(path).config
    assert (config.sample_rate, config.n_mels) == (40000, 125)


@pytest.mark.parametrize("periods", [(2, 3, 5, 7, 11), RVC_V1_PERIODS])
def test_a_discriminator_comes_back_with_its_periods(tmp_path, periods):
    discriminator = Discriminator(periods)
    state = discriminator.state_dict()
    names = discriminator_names(state)
    path = tmp_path / "D_800.pth"
    torch.save({"model": {names[name]: tensor for name, tensor in state.items()}}, path)
    back = import_discriminator(path).state_dict()
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


def test_a_file_without_discriminators_is_refused(tmp_path):
    path = tmp_path / "D_0.pth"
    torch.save({"model": {"discriminators.0.convs.0.bias": torch.zeros(16)}}, path)
    with pytest.raises(ModelError, match="holds 1 discriminators"):
        import_discriminator(path)
