"""A CSV of pitch overrides what is found in the recording."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ezrvc_audio.testing import harmonic_tone
from ezrvc_audio.writing import write
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.correction import F0Correction
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_features.frames import FrameSpec
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.conversion.curves import measure_curves
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.conversion.windows import SlidingSource
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import untrained_voice

RATE = 24000


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "pitch.csv"
    times = np.arange(0.1, 0.3, 0.02)
    path.write_text("".join(f"{time_s:.2f},300\n" for time_s in times), encoding="utf-8")
    return path


def test_curves_are_corrected_where_rows_say_so(csv: Path, nearby_pitch) -> None:
    frames = FrameSpec(RATE, 240)
    found = measure_curves(
        SlidingSource([harmonic_tone(200.0, 0.5, RATE)]), frames, nearby_pitch, tail_frames=5
    )
    corrected = found.corrected(F0Correction.read(csv), frames)
    assert corrected.hz[10:29].tolist() == [300.0] * 19
    np.testing.assert_array_equal(corrected.hz[:10], found.hz[:10])
    np.testing.assert_array_equal(corrected.hz[29:], found.hz[29:])
    assert corrected.n_frames == found.n_frames


def test_a_correction_changes_the_conversion_where_it_holds(
    csv: Path, converter: VoiceConverter
) -> None:
    sound = harmonic_tone(200.0, 2.5, RATE)
    plain = converter.convert(sound).samples[0]
    settings = ConversionSettings(f0_csv=csv)
    corrected = converter.convert(sound, settings=settings).samples[0]
    difference = np.abs(corrected - plain)
    assert difference[round(0.1 * RATE) : round(0.3 * RATE)].max() > 1e-3
    assert not np.array_equal(corrected, plain)
    np.testing.assert_array_equal(corrected, converter.convert(sound, settings=settings).samples[0])


def test_a_correction_that_says_what_was_found_changes_nothing(
    tmp_path: Path, converter: VoiceConverter, nearby_pitch
) -> None:
    sound = harmonic_tone(200.0, 0.5, RATE)
    frames = converter.voice.config.frames
    curve = nearby_pitch.estimate(sound, frames)
    rows = zip(frames.times_s(len(curve.hz)).tolist(), curve.hz.tolist(), strict=True)
    path = tmp_path / "same.csv"
    path.write_text("".join(f"{time_s!r},{hz!r}\n" for time_s, hz in rows), encoding="utf-8")
    settings = ConversionSettings(f0_csv=path)
    np.testing.assert_array_equal(
        converter.convert(sound, settings=settings).samples, converter.convert(sound).samples
    )


def test_a_correction_of_another_recording_is_refused(
    tmp_path: Path, converter: VoiceConverter
) -> None:
    path = tmp_path / "long.csv"
    path.write_text("60,200\n", encoding="utf-8")
    with pytest.raises(FeatureError, match="a row at 60 s, but the recording ends"):
        converter.convert(harmonic_tone(200.0, 0.3), settings=ConversionSettings(f0_csv=path))


def test_several_recordings_cannot_share_one_correction(
    csv: Path, tmp_path: Path, converter: VoiceConverter
) -> None:
    files = [(tmp_path / f"{name}.wav", tmp_path / f"{name}_out.wav") for name in ("a", "b")]
    for source, _ in files:
        write(source, harmonic_tone(200.0, 0.3))
    with pytest.raises(ModelError, match="corrects the pitch of one recording, not of 2"):
        converter.convert_files(files, settings=ConversionSettings(f0_csv=csv))


def test_a_predicted_pitch_has_no_use_for_a_correction(csv: Path) -> None:
    with pytest.raises(ValidationError, match="predict_f0 leaves no use for f0_csv"):
        ConversionSettings(predict_f0=True, f0_csv=csv)


def test_an_ensemble_may_find_the_pitch_of_the_source(nearby_content) -> None:
    voice = untrained_voice(["ada"])
    sound = harmonic_tone(200.0, 0.5, RATE)
    settings = ConversionSettings(f0_method="ensemble:pm,dio")
    made = VoiceConverter(voice, device="cpu", encoder=nearby_content).convert(
        sound, settings=settings
    )
    expected = VoiceConverter(
        voice,
        device="cpu",
        encoder=nearby_content,
        f0_estimator=load_f0_estimator("ensemble:pm,dio"),
    ).convert(sound)
    np.testing.assert_array_equal(made.samples, expected.samples)
