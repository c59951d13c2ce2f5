"""A vocoder that stands alone: a mel spectrogram and F0 become samples."""

from typing import Protocol, Self, runtime_checkable

import torch
from torch import nn

from ezrvc_features.spectrogram import MelSpec
from ezrvc_model.config import DecoderConfig
from ezrvc_model.noise import Noise
from ezrvc_model.vocoders.blockwise import BlockwiseDecoder
from ezrvc_model.vocoders.hifigan import HiFiGAN
from ezrvc_model.vocoders.sine_source import Excitation, SineSource
from ezrvc_model.weight_norm import fold_weight_norm


@runtime_checkable
class MelVocoder(Protocol):
    """Turns mel spectrograms of one kind into sound."""

    @property
    def mel(self) -> MelSpec:
        """The bands it takes."""
        ...

    @property
    def hop_length(self) -> int:
        """Samples made of each frame."""
        ...

    def vocode(self, mel: torch.Tensor, f0: torch.Tensor, *, noise: Noise) -> torch.Tensor:
        """Samples of a log-mel spectrogram.

        Args:
            mel: natural logarithm, (batch, n_mels, n_frames).
            f0: (batch, n_frames), Hz, 0 where unvoiced.
            noise: draws the source's phases and hiss.

        Returns:
            (batch, 1, n_frames * hop_length), within -1 and 1.
        """
        ...


class HiFiGANVocoder(nn.Module):
    """HiFi-GAN over mel bands, driven by a sine source where its configuration has one.

    With `nsf-hifigan` this is the NSF-HiFiGAN of DiffSinger and so-vits-svc (openvpi layout).

    Args:
        decoder: its numbers.
        mel: the bands it takes; their sample rate is that of the sound.
    """

    def __init__(self, decoder: DecoderConfig, mel: MelSpec) -> None:
        super().__init__()
        self.mel = mel
        self.hop_length = decoder.hop_length
        self.sine_source = None
        if decoder.has_source:
            rate = decoder.source_sample_rate or mel.sample_rate
            self.sine_source = SineSource(rate, decoder.hop_length, decoder.n_harmonics)
        self.decoder = HiFiGAN(decoder, mel.n_mels)
        self._blockwise: BlockwiseDecoder | None = None

    def source(
        self, f0: torch.Tensor, *, start_phase: torch.Tensor | None = None, noise: Noise
    ) -> Excitation | None:
        """The excitation (see `SineSource`), or None where there is none."""
        if self.sine_source is None:
            return None
        return self.sine_source(f0, start_phase=start_phase, noise=noise)

    def vocode(
        self,
        mel: torch.Tensor,
        f0: torch.Tensor,
        *,
        start_phase: torch.Tensor | None = None,
        noise: Noise,
        fp32: bool = False,
    ) -> torch.Tensor:
        """Samples of a log-mel spectrogram, see `MelVocoder.vocode`.

        Args:
            mel: natural logarithm, (batch, n_mels, n_frames).
            f0: (batch, n_frames), Hz, 0 where unvoiced.
            start_phase: of the source before the first sample, see `SineSource`.
            noise: draws the source's phases and hiss.
            fp32: whether the convolutions must stay in single precision.
        """
        source = self.source(f0, start_phase=start_phase, noise=noise)
        samples = None if source is None else source.samples
        if self._blockwise is None:
            return self.decoder(mel, samples)
        return self._blockwise(mel, samples, None, fp32=fp32)

    def prepare_for_inference(self) -> Self:
        """Fold weight normalisation and freeze; returns itself."""
        fold_weight_norm(self)
        self.eval().requires_grad_(False)
        self._blockwise = BlockwiseDecoder(self.decoder)
        return self
