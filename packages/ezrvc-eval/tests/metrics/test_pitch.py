"""Pitch metrics where the answer is known: semitones are 100 cents."""

import numpy as np
import pytest

from ezrvc_audio.testing import chirp, harmonic_tone, silence, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import EvalError
from ezrvc_eval.items import Take
from ezrvc_eval.metrics.pitch import PitchMeter, compare_curves
from ezrvc_eval.metrics.registry import Meter, load_meter
from ezrvc_features.f0.base import F0Curve


@pytest.fixture(scope="module")
def meter() -> Meter:
    return load_meter("pitch", EvaluationConfig(f0_method="pm"))


def values(
    meter: Meter, reference: Waveform, converted: Waveform, transpose: float = 0.0
) -> dict[str, float]:
    take = Take(name="x", converted=converted, reference=reference, transpose_semitones=transpose)
    return {name: score.value for name, score in meter.measure(take).scores.items()}


def curve(hz: list[float]) -> F0Curve:
    array = np.array(hz, np.float32)
    return F0Curve(array, array > 0)


@pytest.mark.parametrize("semitones", [-12, -1, 1, 3])
def test_a_semitone_is_100_cents(meter: Meter, semitones: int) -> None:
    reference = harmonic_tone(220, 1.0, 16000)
    converted = harmonic_tone(220 * 2 ** (semitones / 12), 1.0, 16000)
    measured = values(meter, reference, converted)
    assert measured["f0_shift"] == pytest.approx(100 * semitones, abs=2)
    assert measured["f0_rmse"] == pytest.approx(abs(100 * semitones), abs=2)
    assert measured["octave_errors"] == pytest.approx(float(semitones == -12), abs=0.03)
    asked_for = values(meter, reference, converted, semitones)
    assert asked_for["f0_rmse"] == pytest.approx(0, abs=2)
    assert asked_for["octave_errors"] == 0


def test_the_same_pitch_correlates_even_when_shifted(meter: Meter) -> None:
    up = chirp(150, 300, 1.0, 16000)
    assert values(meter, up, up)["f0_correlation"] == pytest.approx(1)
    shifted = values(meter, up, chirp(180, 360, 1.0, 16000))
    assert shifted["f0_correlation"] == pytest.approx(1, abs=0.01)
    assert values(meter, up, chirp(300, 150, 1.0, 16000))["f0_correlation"] < -0.9


def test_a_slower_recording_is_warped_onto_its_reference(meter: Meter) -> None:
    reference = speech_like(2.0, 16000, seed=4)
    slower = Waveform(  # a pause in the middle: everything after it comes later
        np.concatenate(
            [reference.samples[:, :16000], np.zeros((1, 8000)), reference.samples[:, 16000:]],
            axis=1,
        ).astype(np.float32),
        16000,
    )
    measured = values(meter, reference, slower)
    assert measured["f0_correlation"] > 0.9
    assert measured["f0_rmse"] < 100


def test_frames_are_counted_as_defined() -> None:
    true = curve([100, 100, 100, 100, 0, 0, 0, 0, 200, 200])
    found = curve([100, 200, 100, 0, 0, 0, 0, 50, 200, 220])
    scores = {n: s.value for n, s in compare_curves(true, found).scores.items()}
    assert scores["voicing_error"] == pytest.approx(2 / 10)
    assert scores["octave_errors"] == pytest.approx(1 / 6)
    last = 1200 * np.log2(1.1)
    assert scores["f0_rmse"] == pytest.approx(np.sqrt((1200**2 + last**2) / 5))
    assert scores["f0_shift"] == pytest.approx(0)


def test_silence_has_no_pitch_to_compare(meter: Meter) -> None:
    take = Take(name="x", converted=silence(1.0, 16000), reference=harmonic_tone(220, 1.0, 16000))
    measured = meter.measure(take)
    assert measured.scores["voicing_error"].value > 0.9
    assert "f0_rmse" not in measured.scores
    assert "fewer than 5 frames" in measured.notes[0]


def test_a_pitch_that_never_changes_has_no_correlation() -> None:
    steady = curve([100] * 10)
    measured = compare_curves(steady, curve([100, 101] * 5))
    assert "f0_correlation" not in measured.scores
    assert measured.notes == ("f0_correlation: a pitch never changes",)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(EvalError, match="unknown F0 method 'guess'"):
        load_meter("pitch", EvaluationConfig(f0_method="guess"))


def test_without_a_reference_there_is_nothing_to_compare(meter: Meter) -> None:
    assert isinstance(meter, PitchMeter)
    assert not meter.measure(Take(name="x", converted=silence(1.0, 16000))).scores
