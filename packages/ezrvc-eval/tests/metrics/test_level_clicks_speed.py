"""Clipping is counted, clicks are found where they were put, time is told."""

import time

import numpy as np
import pytest
import scipy.linalg

from ezrvc_audio.testing import harmonic_tone, silence, speech_like, tone
from ezrvc_audio.waveform import Waveform
from ezrvc_eval.bootstrap import pooled
from ezrvc_eval.items import Take, Timing
from ezrvc_eval.metrics.clicks import ClickMeter, find_clicks, join_errors, prediction_filters
from ezrvc_eval.metrics.level import LevelMeter, count_clipped
from ezrvc_eval.metrics.speed import SpeedMeter, SpeedProbe


def test_samples_in_runs_at_full_scale_are_clipped() -> None:
    samples = np.zeros((1, 1000), np.float32)
    samples[0, 10:13] = 1.0  # a run of 3
    samples[0, 100:102] = 1.0  # too short
    samples[0, 200:210] = -0.9995  # a run of 10
    samples[0, 300:320] = 0.99  # below full scale
    samples[0, 997:] = 1.5  # at the end
    waveform = Waveform(samples, 16000)
    assert count_clipped(waveform) == 16
    measured = LevelMeter().measure(Take(name="x", converted=waveform))
    assert measured.scores["clipped"].value == pytest.approx(16 / 1000 * 1e6)


def test_a_clean_sine_is_not_clipped_and_a_driven_one_is() -> None:
    clean = tone(440, 1.0, 16000, amplitude=0.99)
    assert count_clipped(clean) == 0
    driven = Waveform(np.clip(clean.samples * 2, -1, 1), 16000)
    assert count_clipped(driven) / 16000 == pytest.approx(2 / 3, abs=0.02)  # asin 1/2 is 30 degrees


def test_loudness_is_told_and_compared() -> None:
    loud = tone(997, 2.0, 48000, amplitude=1.0)
    soft = Waveform(loud.samples * np.float32(0.5), 48000)
    scores = LevelMeter().measure(Take(name="x", converted=soft, reference=loud)).scores
    assert scores["loudness"].value == pytest.approx(-9.03, abs=0.1)  # BS.1770: 0 dBFS is -3.01
    assert scores["loudness_change"].value == pytest.approx(-6.02, abs=0.01)
    assert scores["true_peak"].value == pytest.approx(-6.02, abs=0.05)


def test_silence_has_no_loudness() -> None:
    measured = LevelMeter().measure(Take(name="x", converted=silence(1.0, 16000)))
    assert set(measured.scores) == {"clipped"}
    assert measured.notes == ("loudness, loudness_change, true_peak: there is only silence",)


@pytest.mark.parametrize("rate", [16000, 24000, 44100])
def test_clicks_are_found_where_they_were_put(rate: int) -> None:
    samples = harmonic_tone(150, 2.0, rate, amplitude=0.3).samples.copy()
    places = [rate // 3, rate, rate * 3 // 2]
    for place in places:
        samples[0, place:] += 0.1
    assert find_clicks(Waveform(samples, rate)) == pytest.approx(places, abs=1)


def test_a_bad_join_in_speech_clicks_and_speech_does_not() -> None:
    spoken = speech_like(4.0, 24000, seed=3)
    assert len(find_clicks(spoken)) == 0
    joined = spoken.samples.copy()
    # the middle of the loudest vowel, where the wave is far from zero
    place = int(np.argmax(np.abs(joined[0])))
    joined[0, place:] = -joined[0, place:]
    assert find_clicks(Waveform(joined, 24000)) == pytest.approx([place], abs=1)
    scores = ClickMeter().measure(Take(name="x", converted=Waveform(joined, 24000))).scores
    assert scores["clicks"].value == pytest.approx(15)  # one in 4 s


@pytest.mark.parametrize("seed", range(1, 5))
def test_the_join_of_cut_speech_is_found_and_the_pulses_of_the_voice_are_not(seed: int) -> None:
    """25 ms are missing in a vowel of about 100 Hz; prediction fails there by about the jump."""
    spoken = speech_like(3.0, 24000, seed=seed, f0_hz=100).samples[0]
    place = int(np.argmax(np.abs(spoken[:60_000])))
    cut = np.concatenate([spoken[:place], spoken[place + 600 :]])
    assert find_clicks(Waveform(spoken[None], 24000)).tolist() == []
    assert find_clicks(Waveform(cut[None], 24000)).tolist() == [place]
    jump = abs(float(cut[place]) - float(cut[place - 1]))
    assert join_errors(cut.astype(np.float64), 360)[place] == pytest.approx(jump, rel=0.1)


def test_prediction_filters_solve_the_normal_equations() -> None:
    frames = np.random.default_rng(0).standard_normal((3, 480)).cumsum(axis=1) * np.hanning(480)
    for frame, found in zip(frames, prediction_filters(frames), strict=True):
        correlation = np.correlate(frame, frame, "full")[479:512]
        correlation[0] *= 1 + 1e-5
        solved = scipy.linalg.solve_toeplitz(correlation[:-1], -correlation[1:])
        assert found[0] == 1
        assert found[1:] == pytest.approx(np.asarray(solved), abs=1e-9)


def test_what_both_sides_predict_is_no_surprise_and_a_step_is_its_height() -> None:
    """A sine is predicted by its own past and future; a step by neither, and then only once."""
    smooth = tone(440, 1.0, 16000, amplitude=0.3).samples[0].astype(np.float64)
    assert join_errors(smooth, 240).max() < 0.01
    smooth[8000:] += 0.2
    errors = join_errors(smooth, 240)
    assert errors.argmax() == 8000
    assert errors.max() == pytest.approx(0.2, rel=0.25)
    assert np.delete(errors, 8000).max() < 0.05


def test_too_short_to_click() -> None:
    assert len(find_clicks(Waveform(np.ones((1, 3), np.float32), 16000))) == 0
    assert len(find_clicks(Waveform(np.ones((1, 65), np.float32), 16000))) == 0


def test_clicks_over_recordings_are_those_of_all_minutes() -> None:
    clean = ClickMeter().measure(Take(name="a", converted=silence(9.0, 16000))).scores["clicks"]
    stepped = silence(1.0, 16000).samples.copy()
    stepped[0, 8000:] = 0.5
    one = ClickMeter().measure(Take(name="b", converted=Waveform(stepped, 16000))).scores["clicks"]
    assert pooled([clean, one]) == pytest.approx(6)  # one in 10 s


def test_speed_is_what_the_probe_saw() -> None:
    with SpeedProbe() as probe:
        time.sleep(0.05)
        probe.first_audio()
        held = np.ones(25_000_000, np.float64)  # 200 MB
        time.sleep(0.1)
        probe.first_audio()  # not the first
    assert held.nbytes == 200_000_000
    timing = probe.timing
    assert timing.first_audio_s is not None
    assert timing.peak_memory_mb is not None
    assert 0.05 <= timing.first_audio_s < timing.elapsed_s - 0.1 + 0.05
    assert timing.peak_memory_mb > 200
    take = Take(name="x", converted=silence(2.0, 16000), timing=timing)
    scores = SpeedMeter().measure(take).scores
    assert scores["real_time_factor"].value == pytest.approx(timing.elapsed_s / 2)
    assert scores["first_audio"].value == pytest.approx(timing.first_audio_s * 1000)


def test_a_probe_tells_nothing_before_its_end() -> None:
    with SpeedProbe() as probe, pytest.raises(ValueError, match="once its block has ended"):
        _ = probe.timing


def test_the_factor_of_several_recordings_is_that_of_all_time() -> None:
    takes = [
        Take(name="a", converted=silence(1.0, 16000), timing=Timing(elapsed_s=1.0)),
        Take(name="b", converted=silence(3.0, 16000), timing=Timing(elapsed_s=0.6)),
    ]
    scores = [SpeedMeter().measure(take).scores["real_time_factor"] for take in takes]
    assert pooled(scores) == pytest.approx(1.6 / 4)
