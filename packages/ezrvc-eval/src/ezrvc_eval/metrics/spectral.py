"""How far is its spectrum from the reference's? MCD, log-spectral and multi-resolution distance."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Score
from ezrvc_eval.metrics.alignment import at_common_rate, mel_cepstra, run_in_step, warping_path
from ezrvc_features.spectrogram import linear_spectrogram, reflect_pad

_LSD_N_FFT = 1024
_RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""Points of the transform, hop and window of Parallel WaveGAN, in samples (there at 24 kHz)."""
_POWER_FLOOR = 1e-7
"""Less power than this is told from silence by no logarithm; of the published program."""


class SpectralMeter:
    """Compares spectra of recording and reference, both at the lower rate (at most 24 kHz).

    What was converted into another voice differs from its source by intent: these distances judge
    resynthesis, and conversions of which the target spoke the same words.
    """

    def measure(self, take: Take) -> Measurement:
        """`mcd`; and `lsd`, `mr_stft` where the recordings are of the same length."""
        if take.reference is None:
            return Measurement(notes=("mcd, lsd, mr_stft: there is no reference",))
        if not take.reference.samples.any() or not take.converted.samples.any():
            return Measurement(notes=("mcd, lsd, mr_stft: there is only silence",))
        reference, converted = at_common_rate(take.reference, take.converted)
        scores = {"mcd": Score(mel_cepstral_distortion(reference, converted))}
        if not run_in_step(reference, converted):
            return Measurement(scores, notes=("lsd, mr_stft: the reference has another length",))
        n_samples = min(reference.n_samples, converted.n_samples)
        left, right = (
            torch.from_numpy(each.samples[:, :n_samples]) for each in (reference, converted)
        )
        scores["lsd"] = Score(log_spectral_distance(left, right))
        scores["mr_stft"] = Score(multi_resolution_distance(left, right))
        return Measurement(scores)


def mel_cepstral_distortion(reference: Waveform, converted: Waveform) -> float:
    """MCD in dB, after dynamic time warping; frames 50 dB below the loudest are left out.

    Args:
        reference: mono.
        converted: mono, at the same rate.
    """
    (left, left_sounds), (right, right_sounds) = mel_cepstra(reference), mel_cepstra(converted)
    left, right = left[:, left_sounds], right[:, right_sounds]
    left_path, right_path = warping_path(left, right)
    return cepstral_distance_db(left[:, left_path], right[:, right_path])


def cepstral_distance_db(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """The mean over frames of 10/ln 10 * sqrt(2 * sum of squared differences) (Kubichek 1993).

    It is the root mean square, over the mel axis, of the difference of the envelopes in dB.

    Args:
        left: one-sided cepstra, (n_cepstra, n_frames).
        right: the same shape.
    """
    squares = ((left - right) ** 2).sum(axis=0)
    return float(np.mean(10 / math.log(10) * np.sqrt(2 * squares)))


def log_spectral_distance(left: torch.Tensor, right: torch.Tensor) -> float:
    """The root mean square over frequency of the difference in dB, mean over frames.

    Args:
        left: (1, n_samples).
        right: the same shape.
    """
    magnitudes = [linear_spectrogram(each, _LSD_N_FFT, _LSD_N_FFT // 4) for each in (left, right)]
    difference_db = 20 * (magnitudes[0].log10() - magnitudes[1].log10())
    return float(difference_db.square().mean(dim=1).sqrt().mean())


def multi_resolution_distance(reference: torch.Tensor, converted: torch.Tensor) -> float:
    """Spectral convergence plus mean log-magnitude difference, mean over three transforms.

    Yamamoto et al., Parallel WaveGAN (ICASSP 2020, arXiv:1910.11480), section 2.2.

    Args:
        reference: (1, n_samples).
        converted: the same shape.
    """
    distances: list[float] = []
    for n_fft, hop, window in _RESOLUTIONS:
        true, made = (_magnitudes(each, n_fft, hop, window) for each in (reference, converted))
        convergence = torch.linalg.norm(true - made) / torch.linalg.norm(true)
        distances.append(float(convergence + (true.log() - made.log()).abs().mean()))
    return sum(distances) / len(distances)


def _magnitudes(samples: torch.Tensor, n_fft: int, hop: int, window: int) -> torch.Tensor:
    spectrum = torch.stft(
        reflect_pad(samples, n_fft // 2, n_fft // 2),
        n_fft,
        hop_length=hop,
        win_length=window,
        window=torch.hann_window(window),
        center=False,
        return_complex=True,
    )
    return spectrum.abs().square().clamp(min=_POWER_FLOOR).sqrt()


def load(config: EvaluationConfig, device: str, progress: Progress) -> SpectralMeter:
    """It needs no model."""
    return SpectralMeter()
