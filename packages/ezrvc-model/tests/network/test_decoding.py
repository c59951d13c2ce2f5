"""A vocoder cut into blocks, and run in narrower numbers, is the same vocoder."""

import pytest
import torch

from ezrvc_model.config import DecoderConfig
from ezrvc_model.noise import ZeroNoise
from ezrvc_model.presets import load_preset
from ezrvc_model.vocoders import blockwise
from ezrvc_model.vocoders.activations import AntialiasedSnake, lowpass
from ezrvc_model.vocoders.blockwise import BlockwiseDecoder
from ezrvc_model.vocoders.channels_last import ChannelsLastConvolution, in_channels_last
from ezrvc_model.vocoders.hifigan import HiFiGAN


@pytest.mark.parametrize("block_frames", [3, 17])
def test_blocks_are_the_whole(decoder_variant, make_network, block_frames):
    decoder = make_network(decoder_variant).decoder.requires_grad_(False)
    latent = torch.randn(2, decoder_variant.inter_channels, 40)
    source = (
        torch.randn(2, 1, 40 * decoder_variant.hop_length)
        if decoder_variant.decoder.has_source
        else None
    )
    for speaker in (
        torch.randn(2, decoder_variant.speaker_dim, 1),
        torch.randn(2, decoder_variant.speaker_dim, 40),
    ):
        whole = decoder(latent, source, speaker)
        assert whole.std() > 1e-2
        blocks = BlockwiseDecoder(decoder, block_frames)(latent, source, speaker, fp32=True)
        torch.testing.assert_close(blocks, whole, atol=1e-5, rtol=0)


def test_the_order_in_memory_changes_nothing(decoder_variant, make_network):
    decoder = make_network(decoder_variant).decoder.requires_grad_(False)
    latent = torch.randn(2, decoder_variant.inter_channels, 12)
    n_samples = 12 * decoder_variant.hop_length
    source = torch.randn(2, 1, n_samples) if decoder_variant.decoder.has_source else None
    speaker = torch.randn(2, decoder_variant.speaker_dim, 1)
    turned = in_channels_last(decoder)
    assert any(isinstance(layer, ChannelsLastConvolution) for layer in turned.modules()) != (
        decoder_variant.decoder.has_snake
    )
    torch.testing.assert_close(
        turned(latent, source, speaker), decoder(latent, source, speaker), atol=1e-5, rtol=0
    )


def test_loading_weights_renews_the_turned_copy(make_network, make_inputs, decoder_variant):
    network = make_network(decoder_variant).prepare_for_inference()
    inputs = make_inputs(decoder_variant)
    network.infer(**inputs, noise=ZeroNoise())
    state = {name: tensor * 0.5 for name, tensor in network.state_dict().items()}
    network.load_state_dict(state)
    fresh = make_network(decoder_variant).prepare_for_inference()
    fresh.load_state_dict(state)
    assert torch.equal(
        network.infer(**inputs, noise=ZeroNoise()), fresh.infer(**inputs, noise=ZeroNoise())
    )


def test_a_stretch_reaches_no_further_than_stated(decoder_variant, make_network):
    """The context is enough (above) and not much more than enough: far frames are not read."""
    decoder = make_network(decoder_variant).decoder.requires_grad_(False)
    latent = torch.randn(1, decoder_variant.inter_channels, 200)
    source = (
        torch.randn(1, 1, 200 * decoder_variant.hop_length)
        if decoder_variant.decoder.has_source
        else None
    )
    speaker = torch.randn(1, decoder_variant.speaker_dim, 1)
    far = latent.clone()
    far[..., :60] = torch.nan
    far[..., 140:] = torch.nan
    assert torch.equal(
        decoder.stretch(far, source, speaker, 90, 110),
        decoder.stretch(latent, source, speaker, 90, 110),
    )


@pytest.fixture
def in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockwise, "convolution_dtype", lambda device: torch.bfloat16)


def signal_to_error_db(signal: torch.Tensor, other: torch.Tensor) -> float:
    return float(10 * (signal.square().mean() / (signal - other).square().mean()).log10())


@pytest.mark.usefixtures("in_bfloat16")
@pytest.mark.parametrize(
    "name",
    [
        "tiny",
        pytest.param("base-24k", marks=pytest.mark.slow),
        pytest.param("sovits-44k", marks=pytest.mark.slow),
    ],
)
def test_bfloat16_convolutions_stay_40_db_below_the_sound(name, make_inputs):
    from ezrvc_model.config import SynthesizerConfig
    from ezrvc_model.synthesizer.synthesizer import Synthesizer

    config = SynthesizerConfig.from_tree(load_preset(name)["model"])
    torch.manual_seed(0)
    network = Synthesizer(config).prepare_for_inference()
    latent = torch.randn(1, config.inter_channels, 30)
    speaker = torch.zeros(1, dtype=torch.int64)
    source = network.source(torch.full((1, 30), 220.0), noise=ZeroNoise())
    exact = network.decode(latent, source, speaker, fp32=True)
    narrow = network.decode(latent, source, speaker)
    assert narrow.dtype == torch.float32
    assert 40 <= signal_to_error_db(exact, narrow) < 80  # above 80 it was not bfloat16 at all


@pytest.mark.usefixtures("in_bfloat16")
def test_loading_weights_renews_the_narrow_copy(make_network, make_inputs, decoder_variant):
    network, inputs = (
        make_network(decoder_variant).prepare_for_inference(),
        make_inputs(decoder_variant),
    )
    before = network.infer(**inputs, noise=ZeroNoise())
    state = {name: tensor * 0.5 for name, tensor in network.state_dict().items()}
    network.load_state_dict(state)
    after = network.infer(**inputs, noise=ZeroNoise())
    exact = network.infer(**inputs, noise=ZeroNoise(), fp32=True)
    assert (after - exact).abs().max() < 0.05
    assert not torch.equal(before, after)


def test_snake_keeps_a_constant_and_bends_it_by_its_formula():
    snake = AntialiasedSnake(1)
    torch.nn.init.constant_(snake.log_frequency, 0.5)
    torch.nn.init.constant_(snake.log_magnitude, -0.25)
    made = snake(torch.full((1, 1, 40), 0.7))
    a, b = torch.tensor(0.5).exp(), torch.tensor(-0.25).exp()
    torch.testing.assert_close(made, torch.full((1, 1, 40), 0.7 + float((a * 0.7).sin() ** 2 / b)))


def test_the_lowpass_keeps_low_and_drops_high():
    taps = lowpass(torch.device("cpu"), torch.float32)[0, 0]
    assert taps.sum().item() == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(taps, taps.flip(0))
    alternating = torch.tensor([1.0, -1.0] * 6)  # the highest frequency there is
    assert abs(float((taps * alternating).sum())) < 1e-3


def test_a_vocoder_needs_no_speaker():
    config = DecoderConfig(upsample_rates=(4,), upsample_kernel_sizes=(8,), kind="hifigan")
    assert HiFiGAN(config, in_channels=5)(torch.randn(1, 5, 6)).shape == (1, 1, 24)
