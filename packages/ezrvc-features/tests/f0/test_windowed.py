"""What all estimators share, checked on a method that is known exactly."""

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0 import windowed
from ezrvc_features.f0.grid import PitchTrack
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_features.f0.windowed import WindowedEstimator
from ezrvc_features.frames import FrameSpec

FRAMES = FrameSpec(sample_rate=16000, hop_length=160)


class LevelAsPitch(WindowedEstimator):
    """Reports 1000 times the sample at each of its times as pitch: voiced from 100 Hz."""

    name = "level"
    distribution = "numpy"
    supported_hz = (10.0, 900.0)
    default_threshold = 0.1

    def _analyse(self, samples: NDArray[np.float32]) -> PitchTrack:
        hz = samples[::160].astype(np.float64) * 1000
        times_s = np.arange(len(hz), dtype=np.float64) / 100
        return PitchTrack(times_s=times_s, hz=hz, voiced=hz >= 1000 * self._threshold)


def ramp(duration_s: float) -> Waveform:
    """Rises from 0.15 to 0.85, with a ripple that is loud enough everywhere and 0 on the grid."""
    n_samples = round(duration_s * 16000)
    ripple = 0.05 * np.sin(2 * np.pi * 100 * np.arange(n_samples) / 16000)
    return Waveform((np.linspace(0.15, 0.85, n_samples) + ripple).astype(np.float32), 16000)


@pytest.mark.parametrize("duration_s", [0.5, 30.0, 30.01, 64.99, 91.237])
def test_time_runs_on_across_windows(duration_s: float) -> None:
    waveform = ramp(duration_s)
    curve = LevelAsPitch().estimate(waveform, FRAMES)
    expected = 1000 * waveform.samples[0, : 160 * len(curve.hz) : 160]
    assert curve.voiced.all()
    np.testing.assert_allclose(curve.hz, expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["swift-f0", "pm", "dio"])
def test_windows_give_the_curve_of_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = speech_like(7.0, 22050, seed=5, f0_hz=150.0)
    frames = FrameSpec(sample_rate=22050, hop_length=256)
    estimator = load_f0_estimator(name, device="cpu")
    whole = estimator.estimate(spoken, frames)
    monkeypatch.setattr(windowed, "WINDOW_S", 2)
    pieces = estimator.estimate(spoken, frames)
    assert (pieces.voiced == whole.voiced).mean() > 0.995
    both = pieces.voiced & whole.voiced
    np.testing.assert_allclose(pieces.hz[both], whole.hz[both], rtol=0.003)


def test_memory_does_not_grow_with_length() -> None:
    def peak(duration_s: int) -> int:
        waveform = Waveform(np.full((2, 44100 * duration_s), 0.3, dtype=np.float32), 44100)
        estimator = LevelAsPitch()
        tracemalloc.start()
        estimator.estimate(waveform, FRAMES)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    short, long = peak(60), peak(240)
    # 180 s more of samples would be 63 MB; the curve itself is 0.3 MB.
    assert long - short < 2_000_000


def test_silence_overrules_the_method() -> None:
    samples = np.full(16000, 0.2, dtype=np.float32)
    samples[4000:8000] += 0.1 * np.sin(np.arange(4000)).astype(np.float32)
    voiced = LevelAsPitch().estimate(Waveform(samples, 16000), FRAMES).voiced
    assert voiced[25:50].all()  # a constant is no sound, however high
    assert not voiced[5:20].any()
    assert not voiced[55:95].any()


def test_the_range_is_narrowed_to_what_the_method_supports() -> None:
    assert LevelAsPitch(min_hz=1.0, max_hz=5000.0).range_hz == (10.0, 900.0)
    assert LevelAsPitch(min_hz=50.0, max_hz=400.0).range_hz == (50.0, 400.0)
    hz = LevelAsPitch(max_hz=400.0).estimate(ramp(1.0), FRAMES).hz
    assert hz.max() == 400.0


@pytest.mark.parametrize(("low", "high"), [(950.0, 2000.0), (1.0, 9.0), (300.0, 200.0)])
def test_a_range_without_overlap_is_refused(low: float, high: float) -> None:
    with pytest.raises(FeatureError, match="level finds pitch between 10 and 900 Hz, nothing from"):
        LevelAsPitch(min_hz=low, max_hz=high)


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
def test_a_threshold_beyond_its_scale_is_refused(threshold: float) -> None:
    with pytest.raises(FeatureError, match=f"between 0 and 1, got {threshold:g}"):
        LevelAsPitch(voicing_threshold=threshold)


def test_the_threshold_is_heeded() -> None:
    voiced = LevelAsPitch(voicing_threshold=0.5).estimate(ramp(1.0), FRAMES).voiced
    assert voiced.argmax() == 50
    assert voiced[50:].all()


def test_the_version_tells_library_and_settings() -> None:
    plain = LevelAsPitch()
    assert plain.version.startswith(f"numpy {np.__version__}, revision ")
    others = [
        LevelAsPitch(min_hz=60.0),
        LevelAsPitch(max_hz=800.0),
        LevelAsPitch(voicing_threshold=0.2),
    ]
    assert len({plain.version, *(other.version for other in others)}) == 4
    assert LevelAsPitch(voicing_threshold=0.1).version == plain.version
