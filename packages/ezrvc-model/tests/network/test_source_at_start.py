"""Before training, the sine source is heard in every stage of the decoder as loud as the frames."""

import pytest
import torch

from ezrvc_model.config import DecoderConfig
from ezrvc_model.noise import TorchNoise
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
