"""From a spectrogram to a distribution of the latents that could have made it."""

import torch
from torch import nn

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.convolution import Conv1d
from ezrvc_model.synthesizer.gaussian import Gaussian
from ezrvc_model.synthesizer.wavenet import WaveNet

KERNEL_SIZE = 5


class PosteriorEncoder(nn.Module):
    """q(z | spectrogram, speaker): needed to train, never to convert."""

    def __init__(self, config: SynthesizerConfig) -> None:
        super().__init__()
        channels = config.hidden_channels
        self.input = Conv1d(config.n_bins, channels, 1)
        self.wavenet = WaveNet(
            channels,
            KERNEL_SIZE,
            config.posterior_layers,
            config.speaker_dim,
            depthwise=config.depthwise,
        )
        self.statistics = Conv1d(channels, 2 * config.inter_channels, 1)

    def forward(
        self, spectrogram: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor
    ) -> Gaussian:
        """Encode frames.

        Args:
            spectrogram: linear magnitudes, (batch, n_bins, n_frames).
            mask: (batch, 1, n_frames).
            speaker: (batch, speaker_dim, 1).
        """
        x = self.wavenet(self.input(spectrogram) * mask, mask, speaker)
        return Gaussian.from_statistics(self.statistics(x) * mask)
