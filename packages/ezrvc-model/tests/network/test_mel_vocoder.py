import json

import pytest
import torch

from ezrvc_features.spectrogram import MelSpec
from ezrvc_model.config import DecoderConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.names import generator_names
from ezrvc_model.interop.nsf_hifigan import import_nsf_hifigan
from ezrvc_model.noise import TorchNoise, ZeroNoise
from ezrvc_model.vocoders.mel_vocoder import HiFiGANVocoder, MelVocoder

MEL = MelSpec(8000, 256, 20, 40, 4000)
DECODER = DecoderConfig(
    upsample_rates=(8, 4),
    upsample_kernel_sizes=(16, 8),
    upsample_initial_channels=16,
    resblock_kernel_sizes=(3,),
    resblock_dilations=((1, 3, 5),),
)
OPENVPI = {
    "resblock": "1",
    "upsample_rates": [8, 4],
    "upsample_kernel_sizes": [16, 8],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3, 5]],
    "sampling_rate": 8000,
    "num_mels": 20,
    "n_fft": 256,
    "win_size": 256,
    "hop_size": 32,
    "fmin": 40,
    "fmax": 4000,
}


@pytest.mark.parametrize("kind", ["nsf-hifigan", "hifigan", "nsf-snake-hifigan"])
def test_it_makes_a_hop_of_samples_of_each_frame_and_stays_itself_prepared(kind):
    torch.manual_seed(0)
    vocoder = HiFiGANVocoder(DECODER.model_copy(update={"kind": kind}), MEL)
    assert isinstance(vocoder, MelVocoder)
    mel, f0 = torch.randn(2, 20, 130), torch.full((2, 130), 200.0)
    with torch.no_grad():
        before = vocoder.vocode(mel, f0, noise=TorchNoise.seeded(0))
        after = vocoder.prepare_for_inference().vocode(
            mel, f0, noise=TorchNoise.seeded(0), fp32=True
        )
    assert before.shape == (2, 1, 130 * 32)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)


@pytest.fixture
def saved(tmp_path):
    """A vocoder as openvpi lays it out, and the network in it."""
    torch.manual_seed(0)
    vocoder = HiFiGANVocoder(DECODER, MEL)
    state = vocoder.state_dict()
    names = generator_names(state, DECODER, "sovits")
    generator = {names[name].removeprefix("dec."): tensor for name, tensor in state.items()}
    torch.save({"generator": generator}, tmp_path / "model")
    (tmp_path / "config.json").write_text(json.dumps(OPENVPI))
    return vocoder, tmp_path / "model"


def test_a_vocoder_comes_back_as_it_was(saved):
    vocoder, path = saved
    assert "conv_pre.weight_g" in torch.load(path, weights_only=True)["generator"]
    back = import_nsf_hifigan(path)
    mel, f0 = torch.randn(1, 20, 12), torch.full((1, 12), 200.0)
    with torch.no_grad():
        assert torch.equal(
            back.vocode(mel, f0, noise=ZeroNoise()), vocoder.vocode(mel, f0, noise=ZeroNoise())
        )
    assert (back.mel, back.hop_length) == (MEL, 32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_mels": 21}, "mis-shaped"),
        ({"hop_size": 512}, "hop_size 512 is not the product of upsample_rates, 32"),
        ({"fmax": 20}, "0 <= fmin_hz < fmax_hz"),
        ({"upsample_kernel_sizes": [16]}, "equally many"),
        ({"fmin": None}, "lacks the key 'fmin'"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(saved, changes, message):
    _, path = saved
    tree = {key: value for key, value in (OPENVPI | changes).items() if value is not None}
    (path.parent / "config.json").write_text(json.dumps(tree))
    with pytest.raises(ModelError, match=message):
        import_nsf_hifigan(path)
