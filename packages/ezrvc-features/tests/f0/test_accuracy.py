"""The measures of pitch accuracy, and the voices they are taken on."""

import numpy as np
import pytest

from ezrvc_features.f0.accuracy import F0Accuracy
from ezrvc_features.f0.base import F0Curve
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_features.frames import FrameSpec
from ezrvc_features.testing.voices import (
    SAMPLE_RATE,
    KnownVoice,
    in_a_room,
    spoken_voice,
    sung_voice,
    with_noise,
)

FRAMES = FrameSpec(44100, 441)


def curve(*hz: float) -> F0Curve:
    values = np.array(hz, dtype=np.float32)
    return F0Curve(hz=values, voiced=values > 0)


def test_measures_of_a_curve_by_hand() -> None:
    true = curve(100, 100, 100, 100, 100, 100, 0, 0)
    fifth, octave = 150.0, 200.0
    found = curve(100, 101, octave, 50, fifth, 0, 0, 90)
    accuracy = F0Accuracy.of(found, true)
    assert accuracy == F0Accuracy(
        n_frames=8, n_voiced=6, n_right_pitch=2, n_right_chroma=4, n_wrong_voicing=2
    )
    assert accuracy.raw_pitch == pytest.approx(2 / 6)
    assert accuracy.raw_chroma == pytest.approx(4 / 6)
    assert accuracy.octave_errors == pytest.approx(2 / 6)
    assert accuracy.voicing_error == pytest.approx(2 / 8)


@pytest.mark.parametrize(("cents", "right"), [(49, True), (51, False), (-49, True), (-51, False)])
def test_right_is_within_half_a_semitone(cents: float, right: bool) -> None:
    found = curve(200 * 2 ** (cents / 1200))
    assert F0Accuracy.of(found, curve(200)).n_right_pitch == right
    assert F0Accuracy.of(found, curve(800)).n_right_chroma == right


def test_counts_add_up() -> None:
    first = F0Accuracy.of(curve(100, 200), curve(100, 100))
    second = F0Accuracy.of(curve(0), curve(0))
    assert first + second == F0Accuracy.of(curve(100, 200, 0), curve(100, 100, 0))
    assert F0Accuracy() + first == first
    assert np.isnan(second.raw_pitch)
    assert np.isnan(F0Accuracy().voicing_error)


def test_curves_of_other_lengths_do_not_compare() -> None:
    with pytest.raises(ValueError, match="1 and 2 frames"):
        F0Accuracy.of(curve(100), curve(100, 100))


@pytest.mark.parametrize(
    "voice",
    [spoken_voice(1.0, 120.0, seed=1), sung_voice(1.2, 200.0, 700.0, seed=2)],
    ids=["spoken", "sung"],
)
def test_a_known_voice_has_the_pitch_it_states(voice: KnownVoice) -> None:
    true = voice.curve(FRAMES)
    found = load_f0_estimator("pm", max_hz=1400.0).estimate(voice.waveform, FRAMES)
    accuracy = F0Accuracy.of(found, true)
    assert accuracy.n_frames == len(true.hz) == FRAMES.n_frames_of(voice.waveform)
    assert accuracy.raw_pitch > 0.85
    assert 0.5 < true.voiced.mean() < 1
    both = found.voiced & true.voiced
    off = np.abs(1200 * np.log2(found.hz[both] / true.hz[both]))
    assert np.median(off) < 6


def test_a_song_reaches_both_ends_of_its_range() -> None:
    voiced = (voice := sung_voice(1.5, 200.0, 700.0, seed=3)).hz[voice.hz > 0]
    assert voiced.min() == pytest.approx(200, rel=0.03)
    assert voiced.max() == pytest.approx(700, rel=0.03)


def test_noise_has_the_level_asked_for_and_a_room_keeps_the_pitch() -> None:
    voice = spoken_voice(1.0, 150.0, seed=4)
    clean = voice.waveform.samples[0].astype(np.float64)
    noisy = with_noise(voice, 10.0, seed=1)
    noise = noisy.waveform.samples[0] - clean
    ratio = np.mean(clean[voice.hz > 0] ** 2) / np.mean(noise**2)
    assert 10 * np.log10(ratio) == pytest.approx(10, abs=0.01)
    room = in_a_room(voice, seed=1)
    assert room.hz is voice.hz
    wet = room.waveform.samples[0] - clean
    assert np.mean(wet**2) == pytest.approx(np.mean(clean**2), rel=0.5)
    np.testing.assert_allclose(wet[: round(0.004 * SAMPLE_RATE)], 0, atol=1e-6)
