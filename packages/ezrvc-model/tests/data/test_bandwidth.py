"""Recordings made at a lower rate are told from those that merely fade."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ezrvc_audio.resampling import resample
from ezrvc_audio.testing import noise, silence, speech_like, tone
from ezrvc_audio.waveform import Waveform
from ezrvc_features.spectrogram import MelSpec
from ezrvc_model.data.bandwidth import measure_bandwidth_hz
from ezrvc_model.losses.mel import bands_below

RATE = 24000


def measured(waveform: Waveform) -> float:
    return measure_bandwidth_hz(torch.from_numpy(waveform.samples[0]), RATE)


@pytest.mark.parametrize("source_rate", [8000, 11025, 16000])
@pytest.mark.parametrize("make", [noise, speech_like])
def test_a_resampled_recording_ends_where_its_first_rate_did(
    make: Callable[..., Waveform], source_rate: int
) -> None:
    narrow = resample(make(2.0, sample_rate=source_rate), RATE)
    assert measured(narrow) == pytest.approx(source_rate / 2, rel=0.08)


def test_full_bandwidth_is_half_the_rate() -> None:
    assert measured(noise(2.0, sample_rate=RATE)) == RATE / 2


def test_fading_towards_the_top_is_no_edge() -> None:
    spectrum = np.fft.rfft(noise(2.0, sample_rate=RATE).samples[0].astype(np.float64))
    frequency = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    fading = np.fft.irfft(spectrum / (1 + (frequency / 300) ** 3))
    assert measured(Waveform(fading[None].astype(np.float32), RATE)) == RATE / 2


@pytest.mark.parametrize(
    "waveform", [silence(1.0, RATE), tone(220, 0.05, RATE), tone(1000, 1.0, RATE)]
)
def test_what_says_nothing_counts_as_full(waveform: Waveform) -> None:
    assert measured(waveform) == RATE / 2


def test_bands_count_up_to_the_bandwidth() -> None:
    mel = MelSpec(RATE, 1024, 80)
    bands = bands_below(torch.tensor([0.0, 4000.0, torch.inf]), mel)
    assert bands.shape == (3, 80)
    assert bands[0].tolist() == [1.0] + [0.0] * 79
    assert bands[2].sum() == 80
    counted = int(bands[1].sum())
    assert bands[1, :counted].all()
    assert 45 < counted < 60  # Slaney's scale: 4 kHz is about 54 of 80 bands up to 12 kHz
