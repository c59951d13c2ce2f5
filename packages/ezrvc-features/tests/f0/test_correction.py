"""Pitch by hand: what rows override, and which rows are refused."""

from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.testing import harmonic_tone
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Curve
from ezrvc_features.f0.correction import CorrectedEstimator, F0Correction
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_features.frames import FrameSpec

FRAMES = FrameSpec(sample_rate=16000, hop_length=160)


def flat(n_frames: int, hz: float = 50.0) -> F0Curve:
    return F0Curve(hz=np.full(n_frames, hz, np.float32), voiced=np.full(n_frames, hz > 0))


def written(folder: Path, text: str) -> Path:
    path = folder / "pitch.csv"
    path.write_text(text, encoding="utf-8")
    return path


def corrected(folder: Path, text: str, curve: F0Curve) -> F0Curve:
    return F0Correction.read(written(folder, text)).apply(curve, FRAMES)


def test_rows_close_together_hold_for_the_frames_between_them(tmp_path: Path) -> None:
    found = corrected(tmp_path, "time_s,f0_hz\n0.02,100\n0.06,140\n", flat(10))
    assert found.hz.tolist() == [50, 50, 100, 110, 120, 130, 140, 50, 50, 50]
    assert found.hz.dtype == np.float32


def test_rows_far_apart_hold_for_one_frame_each(tmp_path: Path) -> None:
    found = corrected(tmp_path, "0.02,100\n0.14,200\n", flat(20))
    assert np.flatnonzero(found.hz != 50).tolist() == [2, 14]
    assert found.hz[[2, 14]].tolist() == [100, 200]


def test_zero_is_unvoiced_and_the_nearer_row_decides(tmp_path: Path) -> None:
    found = corrected(tmp_path, "0.02,100\n0.07,0\n", flat(9))
    assert found.hz.tolist() == [50, 50, 100, 100, 100, 0, 0, 0, 50]
    assert found.voiced.tolist() == [True] * 5 + [False] * 3 + [True]


def test_an_unvoiced_frame_can_be_given_a_pitch(tmp_path: Path) -> None:
    found = corrected(tmp_path, "0.031,90\n", flat(6, 0.0))
    assert found.hz.tolist() == [0, 0, 0, 90, 0, 0]
    assert found.voiced.tolist() == [False, False, False, True, False, False]


def test_header_empty_lines_spaces_and_a_byte_order_mark_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "pitch.csv"
    path.write_text("time_s, f0_hz\n\n 0.0 , 70 \n", encoding="utf-8-sig")
    correction = F0Correction.read(path)
    assert (correction.times_s.tolist(), correction.hz.tolist()) == ([0.0], [70.0])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("time_s,f0_hz\n0.1,100\n0.2,high\n", "line 3: expected two numbers, time_s,f0_hz, got"),
        ("0.1;100\n", "line 1: expected two numbers"),
        ("0.1,100,2\n", "line 1: expected two numbers"),
        ("0.1\n", "line 1: expected two numbers"),
        ("hz,time\n0.1,100\n", "line 1: expected two numbers"),
        ("0.1,100\n0.1,110\n", "line 2: 0.1 s does not come after 0.1 s"),
        ("0.3,100\n\n0.1,110\n", "line 3: 0.1 s does not come after 0.3 s"),
        ("-1,100\n", "line 1: a time is 0 s or more, got -1"),
        ("nan,100\n", "line 1: a time is 0 s or more, got nan"),
        ("inf,100\n", "line 1: a time is 0 s or more, got inf"),
        ("0,-5\n", "line 1: a pitch is 0 .unvoiced. or 20 to 5000 Hz, got -5"),
        ("0,44100\n", "line 1: a pitch is 0 .unvoiced. or 20 to 5000 Hz, got 44100"),
        ("0,nan\n", "line 1: a pitch is 0 .unvoiced. or 20 to 5000 Hz, got nan"),
        ("", "holds no rows"),
        ("time_s,f0_hz\n", "holds no rows"),
    ],
)
def test_bad_rows_are_named_with_their_line(tmp_path: Path, text: str, problem: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(FeatureError, match=problem) as caught:
        F0Correction.read(path)
    assert str(caught.value).startswith(str(path))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"missing\.csv: cannot be read as a CSV of pitch"):
        F0Correction.read(tmp_path / "missing.csv")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(FeatureError, match=r"binary\.csv: cannot be read"):
        F0Correction.read(binary)


def test_rows_of_another_recording_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"a row at 7 s, but the recording ends at 0\.10 s"):
        corrected(tmp_path, "7.0,100\n", flat(10))


@pytest.mark.parametrize(("times", "hz"), [([0.0, 0.0], [1.0, 2.0]), ([0.0], [1.0, 2.0]), ([], [])])
def test_a_correction_that_is_none_cannot_be_made(times: list[float], hz: list[float]) -> None:
    with pytest.raises(ValueError, match="correction"):
        F0Correction(np.array(times), np.array(hz))


def test_an_estimator_can_be_corrected(tmp_path: Path) -> None:
    correction = F0Correction.read(written(tmp_path, "0.10,300\n0.15,300\n0.16,0\n"))
    plain = load_f0_estimator("pm", max_hz=290.0)
    estimator = CorrectedEstimator(plain, correction)
    curve = estimator.estimate(harmonic_tone(220.0, 0.4), FRAMES)
    assert curve.hz[10:16].tolist() == [300.0] * 6
    assert not curve.voiced[16]
    assert curve.hz[20:] == pytest.approx(220.0, abs=1.0)
    assert estimator.name == "pm"
    assert estimator.range_hz == (50.0, 300.0)
    assert estimator.version.startswith(f"{plain.version}; correction ")
    other = F0Correction(correction.times_s, correction.hz + 1)
    assert CorrectedEstimator(plain, other).version != estimator.version
