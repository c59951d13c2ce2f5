"""Median filter, octave repair and ensembles, on curves that can be worked out by hand."""

import numpy as np
import pytest
from pydantic import ValidationError

from ezrvc_audio.testing import harmonic_tone
from ezrvc_audio.waveform import Waveform
from ezrvc_features.config import F0Config
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.f0.ensemble import EnsembleEstimator, combine
from ezrvc_features.f0.median_filter import (
    MedianFilteredEstimator,
    length_in_frames,
    median_filtered,
)
from ezrvc_features.f0.octaves import OctaveRepairedEstimator, repair_octaves
from ezrvc_features.f0.registry import configured_f0_estimator, load_f0_estimator
from ezrvc_features.frames import FrameSpec

FRAMES = FrameSpec(sample_rate=16000, hop_length=160)
"""100 frames a second: octaves are judged by 10 frames to either side."""
RANGE = (50.0, 1100.0)


def curve(*hz: float) -> F0Curve:
    values = np.array(hz, dtype=np.float32)
    return F0Curve(hz=values, voiced=values > 0)


class Fixed:
    """Finds the curve it was given, in anything."""

    def __init__(self, found: F0Curve, name: str = "fixed", low_hz: float = 50.0) -> None:
        self.found = found
        self.name = name
        self.version = f"{name} 1"
        self.range_hz = (low_hz, 1100.0)

    def estimate(self, waveform: Waveform, frames: FrameSpec) -> F0Curve:
        return self.found


SOUND = Waveform(np.zeros(160, dtype=np.float32), 16000)


def test_a_frame_that_stands_out_takes_the_median() -> None:
    filtered = median_filtered(curve(100, 101, 300, 103, 104), 3)
    assert filtered.hz.tolist() == [100, 101, 103, 104, 104]


def test_windows_stay_inside_voiced_stretches_and_shrink_towards_their_ends() -> None:
    found = curve(500, 0, 100, 900, 102, 103, 104, 0, 0, 700, 800)
    filtered = median_filtered(found, 5)
    # 900 and 103 see three frames, 102 five; ends and stretches of two see themselves
    assert filtered.hz.tolist() == [500, 0, 100, 102, 103, 103, 104, 0, 0, 700, 800]
    assert filtered.voiced.tolist() == found.voiced.tolist()


@pytest.mark.parametrize(
    ("length_ms", "expected"), [(1, 1), (19, 1), (21, 3), (30, 3), (39, 3), (41, 5), (250, 25)]
)
def test_a_length_in_time_is_the_nearest_odd_number_of_frames(
    length_ms: float, expected: int
) -> None:
    assert length_in_frames(length_ms, FRAMES) == expected


@pytest.mark.parametrize(
    ("lengths", "problem"),
    [
        ({}, "in frames or in ms, one of them"),
        ({"length_frames": 3, "length_ms": 30.0}, "in frames or in ms, one of them"),
        ({"length_frames": 4}, "odd number of frames, got 4"),
        ({"length_ms": -1.0}, "must be positive, got -1 ms"),
    ],
)
def test_a_length_that_is_none_is_refused(lengths: dict[str, float], problem: str) -> None:
    with pytest.raises(FeatureError, match=problem):
        MedianFilteredEstimator(Fixed(curve(100)), **lengths)  # pyright: ignore[reportArgumentType]


def test_short_runs_an_octave_off_are_moved_back() -> None:
    hz = [100.0] * 40 + [200.0] * 8 + [100.0] * 30 + [50.0] * 5 + [101.0] * 30
    repaired = repair_octaves(curve(*hz), FRAMES, RANGE)
    assert repaired.hz.tolist() == [100.0] * 83 + [101.0] * 30


def test_a_run_at_the_start_of_a_phrase_is_moved_back() -> None:
    repaired = repair_octaves(curve(0, *[440.0] * 4, *[220.0] * 40), FRAMES, RANGE)
    assert repaired.hz.tolist() == [0.0] + [220.0] * 44


def test_a_leap_to_a_note_that_is_held_stays() -> None:
    hz = [110.0] * 60 + [220.0] * 60 + [110.0] * 60
    assert repair_octaves(curve(*hz), FRAMES, RANGE).hz.tolist() == hz


def test_a_run_that_is_longer_than_the_reach_is_a_note() -> None:
    hz = [110.0] * 30 + [220.0] * 22 + [110.0] * 30
    assert repair_octaves(curve(*hz), FRAMES, RANGE).hz.tolist() == hz


def test_a_leap_of_a_fifth_stays() -> None:
    hz = [200.0] * 30 + [300.0] * 5 + [200.0] * 30
    assert repair_octaves(curve(*hz), FRAMES, RANGE).hz.tolist() == hz


def test_each_voiced_stretch_is_judged_by_what_is_voiced_around_it() -> None:
    hz = [150.0] * 30 + [0.0] * 4 + [300.0] * 3 + [0.0] * 4 + [150.0] * 30
    repaired = repair_octaves(curve(*hz), FRAMES, RANGE).hz
    assert set(repaired[34:37].tolist()) == {150.0}
    assert not repaired[30:34].any()


def test_nothing_is_moved_beyond_the_range() -> None:
    hz = [800.0] * 30 + [390.0] * 4 + [800.0] * 30
    within = repair_octaves(curve(*hz), FRAMES, (60.0, 780.0))
    assert within.hz.tolist() == [800.0] * 30 + [780.0] * 4 + [800.0] * 30
    assert repair_octaves(curve(*hz), FRAMES, (60.0, 779.0)).hz.tolist() == hz


def test_repair_of_a_long_curve_is_that_of_its_parts() -> None:
    """What is decided of a frame hangs on its stretch and on a tenth of a second around it."""
    random = np.random.default_rng(4)
    hz = 150 * 2 ** (np.cumsum(random.normal(0, 0.01, 9000)) * 0.3)
    hz *= np.where(random.random(9000) < 0.05, 2.0, 1.0)
    hz[::150] = 0
    hz = hz.clip(0, 1000)
    whole = repair_octaves(curve(*hz), FRAMES, RANGE).hz
    part = repair_octaves(curve(*hz[4200:5100]), FRAMES, RANGE).hz
    np.testing.assert_array_equal(part[150:751], whole[4350:4951])
    assert (whole != hz.astype(np.float32)).mean() > 0.03


def test_an_empty_curve_stays_empty() -> None:
    nothing = curve()
    assert repair_octaves(nothing, FRAMES, RANGE).hz.shape == (0,)
    assert median_filtered(nothing, 5).hz.shape == (0,)
    assert combine([nothing, nothing]).hz.shape == (0,)


def test_an_ensemble_takes_the_median_of_the_voiced_by_majority() -> None:
    found = combine(
        [
            curve(100, 100, 0, 100, 0),
            curve(102, 0, 0, 200, 0),
            curve(300, 0, 99, 0, 0),
        ]
    )
    assert found.hz.tolist() == [102, 0, 0, 100, 0]
    assert found.voiced.tolist() == [True, False, False, True, False]


def test_of_two_middle_pitches_the_one_nearer_to_the_first_member_counts() -> None:
    members = [curve(199, 420, 0), curve(100, 100, 100), curve(201, 401, 200), curve(400, 199, 210)]
    # sorted: 100 199 201 400; 100 199 401 420; 100 200 210
    assert combine(members).hz.tolist() == [199, 401, 200]
    assert combine([members[2], members[0], members[1], members[3]]).hz.tolist() == [201, 401, 200]


def test_half_of_the_members_is_no_majority() -> None:
    assert not combine([curve(100), curve(0)]).voiced.any()
    assert combine([curve(100), curve(101)]).hz.tolist() == [100]


def test_an_ensemble_tells_of_its_members() -> None:
    both = EnsembleEstimator([Fixed(curve(100), "a", 60.0), Fixed(curve(110), "b", 40.0)])
    assert isinstance(both, F0Estimator)
    assert both.name == "ensemble:a,b"
    assert both.version == "ensemble, revision 1: a 1; b 1"
    assert both.range_hz == (40.0, 1100.0)
    assert both.estimate(SOUND, FRAMES).hz.tolist() == [100]
    with pytest.raises(FeatureError, match="at least two F0 methods, got 1"):
        EnsembleEstimator([Fixed(curve(100))])


def test_the_registry_builds_ensembles() -> None:
    estimator = load_f0_estimator("ensemble:pm,dio", min_hz=80.0, max_hz=400.0)
    assert estimator.name == "ensemble:pm,dio"
    assert estimator.range_hz == (80.0, 400.0)
    found = estimator.estimate(harmonic_tone(220.0, 0.2), FRAMES)
    assert np.median(found.hz[found.voiced]) == pytest.approx(220, abs=1)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("ensemble:pm", "at least two F0 methods, got 1"),
        ("ensemble:", "at least two F0 methods, got 1"),
        ("ensemble:pm,pm", "names a method twice"),
        ("ensemble:pm,dioo", "unknown F0 method 'dioo', did you mean 'dio'"),
    ],
)
def test_an_ensemble_that_is_none_is_refused(name: str, problem: str) -> None:
    with pytest.raises(FeatureError, match=problem):
        load_f0_estimator(name)


def test_one_threshold_for_several_methods_is_refused() -> None:
    with pytest.raises(FeatureError, match="leave voicing_threshold out"):
        load_f0_estimator("ensemble:pm,dio", voicing_threshold=0.4)


def test_a_configuration_may_list_the_methods_of_an_ensemble() -> None:
    config = F0Config.from_tree({"method": ["pm", "dio"]})
    assert config.method == "ensemble:pm,dio"
    assert F0Config.from_tree(config.to_tree()) == config


def test_the_defaults_refine_nothing() -> None:
    plain = configured_f0_estimator(F0Config(method="dio"))
    assert type(plain).__name__ == "DioEstimator"
    assert plain.version == load_f0_estimator("dio").version


def test_a_configuration_sets_refinements_and_the_version_tells_them() -> None:
    config = F0Config(method="pm", min_hz=70.0, repair_octaves=True, median_filter_ms=50.0)
    estimator = configured_f0_estimator(config)
    assert isinstance(estimator, MedianFilteredEstimator)
    assert estimator.name == "pm"
    assert estimator.range_hz[0] == 70
    plain = load_f0_estimator("pm", min_hz=70.0).version
    assert estimator.version == (
        f"{plain}; octave repair 0.1 s, revision 1; median filter 50 ms, revision 1"
    )
    framed = configured_f0_estimator(F0Config(method="pm", median_filter_frames=5))
    assert framed.version.endswith("; median filter 5 frames, revision 1")


def test_refinements_are_applied_in_order() -> None:
    hz = [100.0] * 30 + [200.0] * 3 + [100.0] * 3 + [120.0] + [100.0] * 30
    estimator = MedianFilteredEstimator(OctaveRepairedEstimator(Fixed(curve(*hz))), length_frames=3)
    assert set(estimator.estimate(SOUND, FRAMES).hz.tolist()) == {100.0}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"median_filter_frames": 4}, "median_filter_frames 4 must be odd"),
        ({"median_filter_frames": 3, "median_filter_ms": 30.0}, "not both"),
        ({"median_filter_ms": 0.0}, "greater than 0"),
    ],
)
def test_impossible_filters_are_refused(settings: dict[str, float], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        F0Config.model_validate(settings)
