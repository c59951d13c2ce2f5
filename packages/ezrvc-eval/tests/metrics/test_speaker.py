"""The same voice is nearer than another."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ezrvc_audio.testing import silence, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.items import Take
from ezrvc_eval.metrics.registry import load_meter
from ezrvc_eval.metrics.speaker import SpeakerMeter
from ezrvc_features.errors import FeatureError


def low_voice(seed: int) -> Waveform:
    return speech_like(3.0, 16000, seed=seed, f0_hz=110, formant_scale=0.9)


def high_voice(seed: int) -> Waveform:
    return speech_like(3.0, 16000, seed=seed, f0_hz=220, formant_scale=1.25)


def test_the_same_synthetic_voice_is_nearer_than_another(tmp_path: Path) -> None:
    meter = load_meter("speaker", EvaluationConfig())
    target = tmp_path / "low.wav"
    write(target, low_voice(1))
    source = high_voice(3)
    good = meter.measure(
        Take(name="a", converted=low_voice(2), reference=source, target=(target,))
    ).scores
    bad = meter.measure(
        Take(name="a", converted=high_voice(2), reference=source, target=(target,))
    ).scores
    assert good["speaker_similarity"].value > 0.85 > 0.8 > bad["speaker_similarity"].value
    assert good["source_similarity"].value < 0.8 < 0.85 < bad["source_similarity"].value


class Loudness:
    """A speaker encoder that tells voices by their mean."""

    def embed(self, waveform: Waveform) -> NDArray[np.float32]:
        if not waveform.samples.any():
            raise FeatureError("there is only silence")
        mean = float(waveform.samples.mean())
        return np.array([mean, np.sqrt(1 - mean**2)], np.float32)


def constant(value: float) -> Waveform:
    return Waveform(np.full((1, 100), value, np.float32), 1000)


def test_any_encoder_can_tell_voices(tmp_path: Path) -> None:
    for name, wave in (("a", constant(0.6)), ("b", silence(0.1, 1000))):
        write(tmp_path / f"{name}.wav", wave, bit_depth=32)
    target = (tmp_path / "a.wav", tmp_path / "b.wav")  # the silent one is left out
    meter = SpeakerMeter(Loudness())
    measured = meter.measure(Take(name="x", converted=constant(-0.8), target=target))
    assert measured.scores["speaker_similarity"].value == pytest.approx(-0.48 + 0.8 * 0.6, abs=1e-3)
    assert set(measured.scores) == {"speaker_similarity"}


@pytest.mark.parametrize(("mean", "nearer"), [(0.5, 1.0), (-0.5, 0.0)])
def test_nearer_to_the_target_than_to_the_source(
    tmp_path: Path, mean: float, nearer: float
) -> None:
    """The target's vector points to 0.9, the source's to -0.9."""
    write(tmp_path / "a.wav", constant(0.9), bit_depth=32)
    take = Take(
        name="x",
        converted=constant(mean),
        reference=constant(-0.9),
        target=(tmp_path / "a.wav",),
    )
    scores = SpeakerMeter(Loudness()).measure(take).scores
    rest = np.sqrt((1 - mean**2) * (1 - 0.9**2))
    assert scores["speaker_similarity"].value == pytest.approx(0.9 * mean + rest, abs=1e-3)
    assert scores["source_similarity"].value == pytest.approx(-0.9 * mean + rest, abs=1e-3)
    assert scores["nearer_target"].value == nearer


def test_without_a_target_the_reference_has_the_voice() -> None:
    meter = SpeakerMeter(Loudness())
    take = Take(name="x", converted=constant(0.6), reference=constant(0.6))
    measured = meter.measure(take)
    assert measured.scores["speaker_similarity"].value == pytest.approx(1)
    assert set(measured.scores) == {"speaker_similarity"}


def test_with_nothing_to_compare_nothing_is_measured() -> None:
    assert not SpeakerMeter(Loudness()).measure(Take(name="x", converted=constant(0.5))).scores


def test_targets_without_sound_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "b.wav", silence(0.1, 1000))
    take = Take(name="x", converted=constant(0.5), target=(tmp_path / "b.wav",))
    with pytest.raises(FeatureError, match="enough sound"):
        SpeakerMeter(Loudness()).measure(take)
