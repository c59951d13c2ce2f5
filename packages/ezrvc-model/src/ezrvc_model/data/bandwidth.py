"""How high a recording reaches, whatever rate it is stored at."""

import torch

from ezrvc_features.spectrogram import linear_spectrogram

_N_FFT = 2048
_SILENT = 1e-8
"""Power relative to the strongest bin (-80 dB) below which a bin holds nothing."""
_CLIFF = 1e-2
"""How much power falls (20 dB) across the edge of a recording made at a lower rate."""
_BESIDE_HZ = 1000.0
"""What is looked at below and above the edge."""
_TELEPHONE_HZ = 3000.0
"""No recording is narrower than a telephone's (3.4 kHz); an edge below this is the sound's own."""
_NEARLY_ALL = 0.93
"""An edge above this part of half the rate is that of an ordinary anti-aliasing filter."""


def measure_bandwidth_hz(samples: torch.Tensor, sample_rate: int) -> float:
    """The frequency above which a recording holds nothing, because it was made at a lower rate.

    The long-term power spectrum is followed from the top down to the first bin within 80 dB of the
    strongest. That bin is an edge only if power falls by 20 dB across it: a voice that merely
    fades towards the top has no edge, and an edge below 3 kHz is that of a tone.

    Args:
        samples: (n_samples,).
        sample_rate: Hz.

    Returns:
        Hz; half the sample rate where there is no edge.
    """
    top_hz = sample_rate / 2
    if samples.shape[0] < 2 * _N_FFT:
        return top_hz
    spectrogram = linear_spectrogram(samples[None], _N_FFT, _N_FFT // 2, epsilon=0.0)[0]
    power = spectrogram[:, 1:-1].square().mean(1)  # the ends are reflected, which has every pitch
    present = (power > power.max() * _SILENT).nonzero()
    if not len(present):
        return top_hz
    width_hz = sample_rate / _N_FFT
    edge, beside = int(present[-1]), round(_BESIDE_HZ / width_hz)
    edge_hz = (edge + 1) * width_hz
    below, above = power[max(edge - beside, 0) : edge + 1], power[edge + 2 : edge + 2 + beside]
    falls = len(above) > 0 and bool(above.median() <= below.median() * _CLIFF)
    is_edge = falls and _TELEPHONE_HZ <= edge_hz < top_hz * _NEARLY_ALL
    return edge_hz if is_edge else top_hz
