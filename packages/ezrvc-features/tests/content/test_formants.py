"""Formants move by the factor that is asked for."""

import librosa
import numpy as np
import pytest
import torch

from ezrvc_features.content.formants import warp_formants
from ezrvc_features.content.soft_units_network import mel_power


def test_a_longer_throat_lowers_a_formant_by_its_factor() -> None:
    time = np.arange(16_000) / 16_000
    tone = torch.from_numpy(np.sin(2 * np.pi * 2000 * time)).float()[None]
    warped = warp_formants(mel_power(tone), torch.tensor([0.8]))
    bands_hz = librosa.mel_frequencies(n_mels=82, fmax=8000)[1:-1]
    assert bands_hz[int(warped.mean(dim=2).argmax())] == pytest.approx(1600, rel=0.04)
    same = warp_formants(mel_power(tone), torch.tensor([1.0]))
    torch.testing.assert_close(same, mel_power(tone), rtol=1e-3, atol=1e-3)
