import numpy as np
import pytest

from ezrvc_audio.testing import harmonic_tone, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_features.frames import FrameSpec
from ezrvc_model.conversion import curves as curves_module
from ezrvc_model.conversion.curves import SourceCurves, measure_curves
from ezrvc_model.conversion.windows import SlidingSource

FRAMES = FrameSpec(24000, 256)


def measured(sound: Waveform, estimator, tail_frames: int = 7) -> SourceCurves:
    return measure_curves(SlidingSource([sound]), FRAMES, estimator, tail_frames=tail_frames)


@pytest.mark.parametrize("window_s", [0.1, 0.64, 1.0])
def test_windows_give_what_the_whole_gives(
    window_s: float, monkeypatch: pytest.MonkeyPatch, nearby_pitch
) -> None:
    sound = speech_like(3.3, FRAMES.sample_rate, seed=2)
    whole = measured(sound, nearby_pitch)
    monkeypatch.setattr(curves_module, "_WINDOW_S", window_s)
    monkeypatch.setattr(curves_module, "_CONTEXT_S", 0.05)
    parts = measured(sound, nearby_pitch)
    np.testing.assert_allclose(parts.volume, whole.volume, rtol=1e-6)
    np.testing.assert_allclose(parts.hz, whole.hz, rtol=1e-6)
    assert np.array_equal(parts.voiced, whole.voiced)
    np.testing.assert_allclose(parts.loudness.rms, whole.loudness.rms, rtol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 255, 256, 257, 2560])
def test_frames_cover_the_recording_and_a_tail_of_silence(n_samples: int, nearby_pitch) -> None:
    curves = measured(Waveform(np.full(n_samples, 0.5, np.float32), 24000), nearby_pitch)
    assert curves.n_samples == n_samples
    assert curves.n_frames == -(-n_samples // 256)
    assert curves.n_frames_total == curves.n_frames + 7
    assert len(curves.voiced) == len(curves.volume) == curves.n_frames_total
    assert not curves.volume[-5:].any()


def test_the_median_is_that_of_the_voiced_frames() -> None:
    estimator = load_f0_estimator("dio", device="cpu")
    curves = measured(harmonic_tone(220.0, 1.0, sample_rate=24000), estimator)
    assert curves.median_hz == pytest.approx(220, abs=1)
    quiet = measured(Waveform(np.zeros(24000, np.float32), 24000), estimator)
    assert quiet.median_hz is None


@pytest.mark.parametrize("grid", [(24000, 256), (44100, 512), (22050, 256), (40000, 400)])
def test_windows_begin_where_the_estimators_grids_meet(grid: tuple[int, int]) -> None:
    frames = FrameSpec(*grid)
    step = curves_module._common_step(frames)
    seconds = step * frames.hop_length / frames.sample_rate
    assert seconds / 0.08 == pytest.approx(round(seconds / 0.08), abs=1e-9)
    assert seconds <= 5.12
