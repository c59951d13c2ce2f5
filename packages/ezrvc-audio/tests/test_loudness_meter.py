"""The meter for streams against the one for whole sounds."""

import math

import numpy as np
import pytest

from ezrvc_audio.loudness import measure_lufs
from ezrvc_audio.loudness_meter import LoudnessMeter
from ezrvc_audio.testing import noise, tone
from ezrvc_audio.waveform import Waveform


def metered(waveform: Waveform, n_block: int) -> float:
    meter = LoudnessMeter(waveform.sample_rate)
    for start in range(0, waveform.n_samples, n_block):
        meter.push(waveform.cut(start, start + n_block))
    return meter.lufs


@pytest.mark.parametrize("sample_rate", [16_000, 24_000, 44_100, 48_000])
def test_blocks_give_the_loudness_of_the_whole(sample_rate: int) -> None:
    parts = [
        noise(3.0, sample_rate, amplitude=0.2).samples,
        noise(4.0, sample_rate, amplitude=0.0005).samples,
        tone(300.0, 2.0, sample_rate, amplitude=0.4).samples,
    ]
    sound = Waveform(np.concatenate(parts, axis=1), sample_rate)
    assert metered(sound, 7919) == pytest.approx(measure_lufs(sound), abs=0.05)


def test_the_reference_tone_of_the_standard() -> None:
    """BS.1770: a full-scale sine of 997 Hz in one channel is -3.01 LUFS (EBU Tech 3341: ±0.1)."""
    assert metered(tone(997.0, 3.0, 48_000, amplitude=1.0), 4800) == pytest.approx(-3.01, abs=0.1)


def test_silence_and_less_than_a_gating_block_have_no_loudness() -> None:
    assert LoudnessMeter(16_000).lufs == -math.inf
    assert metered(Waveform(np.zeros((1, 16_000), np.float32), 16_000), 1000) == -math.inf
    assert metered(tone(300.0, 0.3, 16_000), 1000) == -math.inf
