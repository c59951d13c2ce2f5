"""Before training, every stage hears the sine source, and what is made is quieter than speech."""

import pytest
import torch

from ezrvc_model.config import DecoderConfig, TrainConfig
from ezrvc_model.noise import TorchNoise
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.testing import small_config
from ezrvc_model.training.state import fresh_networks
from ezrvc_model.vocoders.hifigan import HiFiGAN, UpsamplingStage
from ezrvc_model.vocoders.sine_source import SineSource, source_deviation


@pytest.mark.parametrize("n_harmonics", [0, 8])
def test_the_stated_deviation_is_that_of_the_sines(n_harmonics):
    source = SineSource(24000, 240, n_harmonics)
    noise = TorchNoise(torch.Generator().manual_seed(3))
    samples = source(torch.full((4, 100), 180.0), noise=noise).samples
    linear = samples.detach().atanh()  # without the saturation after the mix
    assert linear.std().item() == pytest.approx(source_deviation(n_harmonics), rel=0.05)


def test_each_stage_begins_with_a_source_of_deviation_one():
    torch.manual_seed(0)
    config = DecoderConfig(
        upsample_rates=(8, 5, 3, 2),
        upsample_kernel_sizes=(16, 11, 7, 4),
        upsample_initial_channels=512,
    )
    decoder = HiFiGAN(config, in_channels=16)
    white = source_deviation(config.n_harmonics) * torch.randn(1, 1, 24000)
    for stage in decoder.stages:
        assert isinstance(stage, UpsamplingStage)
        assert stage.source is not None
        assert stage.source(white).std().item() == pytest.approx(1, rel=0.25)


@pytest.mark.parametrize("normalised_ends", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_made_begins_quiet_and_around_zero(seed, normalised_ends):
    torch.manual_seed(seed)
    config = DecoderConfig(
        upsample_rates=(8, 5, 3, 2),
        upsample_kernel_sizes=(16, 11, 7, 4),
        upsample_initial_channels=128,
        normalised_ends=normalised_ends,
    )
    decoder = HiFiGAN(config, in_channels=16)
    decoder.begin_quietly()
    source = torch.tanh(source_deviation(config.n_harmonics) * torch.randn(2, 1, 4800))
    with torch.no_grad():
        audio = decoder(torch.randn(2, 16, 20), source)
    assert audio.mean().abs().item() < 0.1
    assert 0.005 < audio.std().item() < 0.1


def test_training_begins_quietly():
    model = small_config()
    torch.manual_seed(0)
    generator, _ = fresh_networks(model, TrainConfig())
    torch.manual_seed(0)
    loud = Synthesizer(model)
    latent = torch.randn(1, model.inter_channels, 20)
    source = 0.1 * torch.randn(1, 1, 20 * model.hop_length)
    with torch.no_grad():
        quiet, plain = (each.decoder(latent, source) for each in (generator, loud))
    # before tanh; a tenth of what it was, but for stages that begin smoothly
    assert quiet.atanh().std().item() == pytest.approx(0.1 * plain.atanh().std().item(), rel=0.3)


def test_no_stage_begins_with_a_tone_at_the_rate_of_its_input():
    """A constant input gives a constant output, whatever the kernel; at random it would not."""
    torch.manual_seed(0)
    config = DecoderConfig(
        upsample_rates=(8, 5, 3, 2),
        upsample_kernel_sizes=(16, 11, 7, 4),
        upsample_initial_channels=128,
    )
    decoder = HiFiGAN(config, in_channels=16)
    for stage in decoder.stages:
        assert isinstance(stage, UpsamplingStage)
        channels = stage.upsample.in_channels
        held = torch.randn(1, channels, 1).expand(-1, -1, 20)
        before = stage.upsample(held)[..., 40:-40] if stage.rate == 8 else None
        deviation = stage.upsample.weight.std().item()
        stage.begin_smoothly()
        inside = stage.upsample(held)[..., 3 * stage.rate : -3 * stage.rate]
        ripple = inside.std(dim=2)
        assert ripple.max().item() < 1e-5
        assert inside.std(dim=1).mean().item() > 0.01
        assert stage.upsample.weight.std().item() == pytest.approx(deviation, rel=0.2)
        if before is not None:
            assert before.std(dim=2).max().item() > 0.01
