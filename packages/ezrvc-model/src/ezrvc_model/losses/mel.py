"""Made audio should have the mel spectrogram of the real audio."""

import torch

from ezrvc_features.spectrogram import MelSpec, mel_spectrogram, spectrogram_to_mel
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.synthesizer.output import SynthesizerOutput
from ezrvc_model.synthesizer.slicing import take_slices


def mel_spec(config: SynthesizerConfig) -> MelSpec:
    """The mel bands that a voice is trained on."""
    return MelSpec(
        config.sample_rate, config.n_fft, config.n_mels, config.mel_fmin_hz, config.mel_fmax_hz
    )


def mel_loss(
    output: SynthesizerOutput, spectrogram: torch.Tensor, config: SynthesizerConfig
) -> torch.Tensor:
    """Mean absolute difference of log-mels, of the slices that were decoded.

    Args:
        output: of the training pass.
        spectrogram: linear magnitudes of the whole clips, (batch, n_bins, n_frames).
        config: of the voice.
    """
    mel = mel_spec(config)
    n_frames = output.audio.shape[2] // config.hop_length
    real = spectrogram_to_mel(take_slices(spectrogram, output.slice_starts, n_frames), mel)
    made = mel_spectrogram(output.audio[:, 0], mel, config.hop_length)
    return (real - made).abs().mean()
