"""Made audio should have the mel spectrogram of the real audio."""

import functools

import librosa
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
    output: SynthesizerOutput,
    spectrogram: torch.Tensor,
    config: SynthesizerConfig,
    *,
    bands: torch.Tensor | None = None,
    n_bands: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean absolute difference of log-mels, of the slices that were decoded.

    Args:
        output: of the training pass.
        spectrogram: linear magnitudes of the whole clips, (batch, n_bins, n_frames).
        config: of the voice.
        bands: 1 for bands that count, else 0, (batch, n_mels); None: all count.
        n_bands: scalar, what the sum over bands, averaged over frames, is divided by; None: the
            bands that count.
    """
    mel = mel_spec(config)
    n_frames = output.audio.shape[2] // config.hop_length
    real = spectrogram_to_mel(take_slices(spectrogram, output.slice_starts, n_frames), mel)
    made = mel_spectrogram(output.audio[:, 0], mel, config.hop_length)
    difference = (real - made).abs()
    if bands is None:
        return difference.mean()
    total = (difference.mean(dim=2) * bands).sum()
    return total / (bands.sum() if n_bands is None else n_bands)


def bands_below(bandwidth_hz: torch.Tensor, mel: MelSpec) -> torch.Tensor:
    """Which mel bands lie within a recording's bandwidth, by their centres.

    A recording that was made at a lower rate has nothing above half of that rate; a loss there
    would teach the voice to be as dull. The lowest band always counts.

    Args:
        bandwidth_hz: of each recording, (batch,).
        mel: the bands.

    Returns:
        (batch, n_mels), 1 or 0.
    """
    centres = _centres(mel, bandwidth_hz.device)
    within = (centres <= bandwidth_hz[:, None].float()).float()
    within[:, 0].fill_(1.0)
    return within


@functools.lru_cache(maxsize=16)
def _centres(mel: MelSpec, device: torch.device) -> torch.Tensor:
    top_hz = mel.sample_rate / 2 if mel.fmax_hz is None else mel.fmax_hz
    edges = librosa.mel_frequencies(mel.n_mels + 2, fmin=mel.fmin_hz, fmax=top_hz, htk=False)
    with torch.inference_mode(mode=False):
        return torch.from_numpy(edges[1:-1]).float().to(device)
