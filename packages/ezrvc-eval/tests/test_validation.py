"""Metrics of what a network makes while it learns."""

import pytest

from ezrvc_audio.testing import harmonic_tone, noise, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.validation import DEFAULT_METRICS, MadeSound, SoundJudge


def test_a_perfect_network_is_perfect_and_a_noisy_one_is_not() -> None:
    judge = SoundJudge(EvaluationConfig(metrics=("mcd", "f0_rmse"), f0_method="pm"))
    clips = [speech_like(1.0, 16000, seed=number) for number in range(2)]
    hiss = noise(1.0, 16000, amplitude=0.1).samples
    perfect = judge.judge(MadeSound(str(i), clip, clip) for i, clip in enumerate(clips))
    noisy = judge.judge(
        MadeSound(str(i), clip, Waveform(clip.samples + hiss, 16000))
        for i, clip in enumerate(clips)
    )
    assert perfect == {"mcd": 0, "f0_rmse": 0}
    assert noisy["mcd"] > 1


def test_over_clips_it_is_the_mean() -> None:
    judge = SoundJudge(EvaluationConfig(metrics=("f0_shift",), f0_method="pm"))
    low, high = harmonic_tone(200, 0.5, 16000), harmonic_tone(400, 0.5, 16000)
    found = judge.judge([MadeSound("a", low, low), MadeSound("b", low, high)])
    assert found["f0_shift"] == pytest.approx(600, abs=2)


def test_by_default_nothing_is_fetched() -> None:
    judge = SoundJudge()
    assert judge.missing == {}
    spoken = speech_like(4.8, 16000)
    assert set(judge.judge([MadeSound("a", spoken, spoken)])) == set(DEFAULT_METRICS)
