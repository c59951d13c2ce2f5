"""The GE2E network and what it is fed, as Resemblyzer defines them.

Wan et al., "Generalized End-to-End Loss for Speaker Verification" (ICASSP 2018, arXiv:1710.10467),
in the form that Resemblyzer (github.com resemble-ai/Resemblyzer) trained and published.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ezrvc_features.spectrogram import MelSpec, mel_filterbank

SAMPLE_RATE = 16000
HOP_LENGTH = 160
PARTIAL_FRAMES = 160
"""Frames that the network hears at once, 1.6 s."""
EMBEDDING_DIM = 256
_MEL = MelSpec(sample_rate=SAMPLE_RATE, n_fft=400, n_mels=40)
_PARTIALS_PER_S = 1.3
_LEAST_COVERAGE = 0.75
_LEVEL_DBFS = -30.0


class Ge2eNetwork(nn.Module):
    """Three recurrent layers over the mel of a partial utterance, then one linear layer.

    Modules bear the names of the published checkpoint.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_MEL.n_mels, EMBEDDING_DIM, num_layers=3, batch_first=True)
        self.linear = nn.Linear(EMBEDDING_DIM, EMBEDDING_DIM)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1 without negative values, (batch, 256).

        Args:
            mel: (batch, 40, n_frames), see `ge2e_mel`.
        """
        _, (last, _) = self.lstm(mel.mT)
        return nn.functional.normalize(self.linear(last[-1]).relu(), dim=-1)


def ge2e_mel(samples: torch.Tensor) -> torch.Tensor:
    """Power in 40 mel bands, not its logarithm: windows of 25 ms, a frame every 10 ms.

    Args:
        samples: (n_samples,) at 16 kHz.

    Returns:
        (40, 1 + n_samples // 160); frame i is centred at sample i * 160, with zeros beyond the
        ends.
    """
    spectrum = torch.stft(
        samples,
        _MEL.n_fft,
        hop_length=HOP_LENGTH,
        window=torch.hann_window(_MEL.n_fft, device=samples.device),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power = torch.view_as_real(spectrum).square().sum(dim=-1)
    return mel_filterbank(_MEL, device=samples.device) @ power


def raise_level(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sound fainter than -30 dB of full scale (RMS) is raised to it; louder sound stays.

    Args:
        samples: (n_samples,), not all zero.
    """
    level_dbfs = 10 * math.log10(float(np.mean(samples.astype(np.float64) ** 2)))
    gain = 10 ** (max(_LEVEL_DBFS - level_dbfs, 0.0) / 20)
    return (samples * gain).astype(np.float32)


def partial_starts(n_samples: int) -> list[int]:
    """The first frame of each partial utterance; there is always one.

    Partials of 160 frames begin every 77 frames (1.3 a second). The last one may reach beyond the
    sound's end, if the sound covers three quarters of it.

    Args:
        n_samples: of the sound, at 16 kHz.
    """
    step = round(SAMPLE_RATE / _PARTIALS_PER_S / HOP_LENGTH)
    n_frames = math.ceil((n_samples + 1) / HOP_LENGTH)
    starts = list(range(0, max(1, n_frames - PARTIAL_FRAMES + step + 1), step))
    covered = (n_samples / HOP_LENGTH - starts[-1]) / PARTIAL_FRAMES
    return starts[:-1] if covered < _LEAST_COVERAGE and len(starts) > 1 else starts
