from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.testing import harmonic_tone, silence
from ezrvc_audio.writing import write
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.conversion.key import automatic_shift, key_shift
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.conversion.speaker_curve import SpeakerCurve
from ezrvc_model.conversion.speaker_mix import SpeakerMix
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import untrained_voice
from ezrvc_model.voice_card import F0Range

RANGES = {
    "ada": F0Range(low_hz=150, median_hz=200, high_hz=300),
    "bob": F0Range(low_hz=80, median_hz=100, high_hz=150),
}


@pytest.mark.parametrize(
    ("source", "target", "shift"), [(100, 200, 12), (220, 110, -12), (200, 225, 2), (100, 102, 0)]
)
def test_whole_semitones(source: float, target: float, shift: int) -> None:
    assert key_shift(source, target) == shift


def test_a_mix_lies_between_its_speakers() -> None:
    """Halfway between 100 and 200 Hz in logarithms is 141.4 Hz: six semitones above 100."""
    half = SpeakerMix({"ada": 1, "bob": 1})
    assert automatic_shift(100, half, RANGES) == 6
    assert automatic_shift(100, SpeakerMix({"ada": 1, "bob": 0}), RANGES) == 12
    assert automatic_shift(100, "ada", RANGES) == 12
    assert automatic_shift(None, "ada", RANGES) == 0


def test_it_must_know_how_high_the_speaker_speaks() -> None:
    with pytest.raises(ModelError, match="how high grace speaks; give semitones"):
        automatic_shift(100, "grace", RANGES)
    with pytest.raises(ModelError, match="how high grace speaks"):
        automatic_shift(100, SpeakerMix({"ada": 1, "grace": 1}), RANGES)
    changing = SpeakerCurve({"ada": ((0.0, 1.0),), "bob": ((0.0, 1.0),)})
    with pytest.raises(ModelError, match="changes has no pitch of its own"):
        automatic_shift(100, changing, RANGES)


def test_a_conversion_in_automatic_key_is_that_of_the_semitones(
    nearby_content, tmp_path: Path
) -> None:
    voice = untrained_voice(["ada", "bob"])
    voice.card = voice.card.model_copy(update={"f0": RANGES})
    estimator = load_f0_estimator("dio", device="cpu")
    converter = VoiceConverter(voice, device="cpu", encoder=nearby_content, f0_estimator=estimator)
    tone = harmonic_tone(150.0, 0.6, 24000)
    auto = ConversionSettings(transpose_semitones="auto")
    by_hand = ConversionSettings(transpose_semitones=5)  # 12 * log2(200 / 150) = 4.98
    made = converter.convert(tone, "ada", auto).samples
    assert np.array_equal(made, converter.convert(tone, "ada", by_hand).samples)
    write(tmp_path / "in.wav", tone)
    report = converter.convert_file(tmp_path / "in.wav", tmp_path / "out.wav", "ada", auto)
    assert report.transpose_semitones == 5
    assert report.advice == ()
    write(tmp_path / "quiet.wav", silence(0.2, 24000))
    quiet = converter.convert_file(tmp_path / "quiet.wav", tmp_path / "q.wav", "bob", auto)
    assert quiet.transpose_semitones == 0
