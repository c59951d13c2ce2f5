"""Which frame of one recording answers to which frame of another."""

import math
from itertools import pairwise

import librosa
import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray

from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_features.spectrogram import MelSpec, mel_spectrogram

FRAME_RATE_HZ = 100
"""Frames a second of everything that is aligned."""
SAME_LENGTH_S = 0.1
"""Recordings that differ by no more are taken to run in step."""
_HIGHEST_RATE = 24000
_N_FFT = 1024
_N_MELS = 80
_N_CEPSTRA = 24
_PIECE_S = 20.0
_QUIET_DB = 50.0


def common_rate(left: Waveform, right: Waveform) -> int:
    """The rate at which two recordings compare, Hz."""
    return min(left.sample_rate, right.sample_rate, _HIGHEST_RATE)


def at_common_rate(left: Waveform, right: Waveform) -> tuple[Waveform, Waveform]:
    """Two mono recordings at the lower of their rates, at most 24 kHz."""
    rate = common_rate(left, right)
    return resample(left, rate), resample(right, rate)


def run_in_step(left: Waveform, right: Waveform) -> bool:
    """Whether two recordings are of the same length, so that their frames need no alignment."""
    return abs(left.duration_s - right.duration_s) <= SAME_LENGTH_S


def mel_cepstra(waveform: Waveform) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Mel cepstra 1 to 24 of the natural logarithm of magnitudes, 100 frames a second.

    One-sided: the logarithm of the envelope is the sum of c_k cos(pi k x) over k, x from 0 to 1
    along the mel axis.

    Args:
        waveform: mono, at least 10 ms.

    Returns:
        (24, n_frames); and (n_frames,), whether a frame is within 50 dB of the loudest.
    """
    rate = waveform.sample_rate
    bands = MelSpec(sample_rate=rate, n_fft=_N_FFT, n_mels=_N_MELS)
    samples = torch.from_numpy(waveform.samples)
    mel = mel_spectrogram(samples, bands, round(rate / FRAME_RATE_HZ))[0].double().numpy()
    return cepstra_of(mel), _sounding(mel)


def cepstra_of(log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cepstra 1 to 24 of log-mel magnitudes, (n_mels, n_frames) to (24, n_frames)."""
    transformed = np.asarray(scipy.fft.dct(log_mel, type=2, axis=0))
    return transformed[1 : _N_CEPSTRA + 1] / len(log_mel)


def warping_path(
    left: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Dynamic time warping: pairs of frames, in order, that make the sum of distances least.

    Sequences of more than 20 s are cut into as many pieces of equal share first, so that memory
    stays bounded; pieces are warped each on its own.

    Args:
        left: (dim, n_left), at least one frame.
        right: (dim, n_right), at least one frame.

    Returns:
        Frames of `left` and of `right`, equally many.
    """
    longest = max(left.shape[1], right.shape[1])
    n_pieces = min(math.ceil(longest / (_PIECE_S * FRAME_RATE_HZ)), left.shape[1], right.shape[1])
    left_cuts, right_cuts = (
        np.linspace(0, sequence.shape[1], n_pieces + 1).round().astype(int)
        for sequence in (left, right)
    )
    paths = [
        _path(left[:, a:b], right[:, c:d]) + np.array([a, c])
        for (a, b), (c, d) in zip(
            pairwise(left_cuts),
            pairwise(right_cuts),
            strict=True,
        )
    ]
    path = np.concatenate(paths)
    return path[:, 0], path[:, 1]


def _path(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.intp]:
    _, path = librosa.sequence.dtw(left, right)
    return np.asarray(path)[::-1]


def _sounding(log_mel: NDArray[np.float64]) -> NDArray[np.bool_]:
    power = np.exp(2 * log_mel).sum(axis=0)
    return power >= power.max() * 10 ** (-_QUIET_DB / 10)
