"""Does its pitch follow the reference? Correlation, error in cents, voicing, octaves."""

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import EvalError, MissingWeightsError
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Score
from ezrvc_eval.metrics.alignment import (
    FRAME_RATE_HZ,
    at_common_rate,
    mel_cepstra,
    run_in_step,
    warping_path,
)
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.accuracy import F0Accuracy
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.f0.registry import list_f0_estimators, load_f0_estimator
from ezrvc_features.frames import FrameSpec

FRAMES = FrameSpec(sample_rate=16000, hop_length=16000 // FRAME_RATE_HZ)
"""The grid on which curves are compared: 100 frames a second."""
_FEWEST_FRAMES = 5
_OF_VOICED = "f0_correlation, f0_rmse, f0_shift"


class PitchMeter:
    """Compares pitch curves frame by frame; recordings of other length are warped first (DTW).

    Args:
        estimator: finds pitch.
    """

    def __init__(self, estimator: F0Estimator) -> None:
        self._estimator = estimator

    def measure(self, take: Take) -> Measurement:
        """`f0_correlation`, `f0_rmse`, `f0_shift`, `voicing_error`, `octave_errors`."""
        if take.reference is None:
            return Measurement(notes=("pitch: there is no reference",))
        true = self._estimator.estimate(take.reference, FRAMES)
        found = self._estimator.estimate(take.converted, FRAMES)
        left, right = _pairs(take.reference, take.converted, true, found)
        shift = 2 ** (take.transpose_semitones / 12)
        return compare_curves(
            F0Curve((true.hz[left] * shift).astype(np.float32), true.voiced[left]),
            F0Curve(found.hz[right], found.voiced[right]),
        )


def compare_curves(true: F0Curve, found: F0Curve) -> Measurement:
    """The pitch metrics of two curves with equally many frames."""
    accuracy = F0Accuracy.of(found, true)
    scores = {"voicing_error": Score(accuracy.voicing_error)}
    notes: list[str] = []
    if accuracy.n_voiced:
        scores["octave_errors"] = Score(accuracy.octave_errors)
    both = true.voiced & found.voiced
    if int(both.sum()) < _FEWEST_FRAMES:
        notes.append(
            f"{_OF_VOICED}: fewer than {_FEWEST_FRAMES} frames are voiced in both recordings"
        )
        return Measurement(scores, tuple(notes))
    octaves = np.log2(np.stack([true.hz[both], found.hz[both]]).astype(np.float64))
    cents = 1200 * (octaves[1] - octaves[0])
    scores["f0_rmse"] = Score(float(np.sqrt(np.mean(cents**2))))
    scores["f0_shift"] = Score(float(np.median(cents)))
    if np.ptp(octaves, axis=1).min() > 0:
        scores["f0_correlation"] = Score(float(np.corrcoef(octaves)[0, 1]))
    else:
        notes.append("f0_correlation: a pitch never changes")
    return Measurement(scores, tuple(notes))


def _pairs(
    reference: Waveform, converted: Waveform, true: F0Curve, found: F0Curve
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Frames of the two curves that are compared."""
    if run_in_step(reference, converted):
        n_frames = min(len(true.hz), len(found.hz))
        return np.arange(n_frames), np.arange(n_frames)
    cepstra = [mel_cepstra(each)[0] for each in at_common_rate(reference, converted)]
    left, right = warping_path(cepstra[0], cepstra[1])
    inside = (left < len(true.hz)) & (right < len(found.hz))
    return left[inside], right[inside]


def load(config: EvaluationConfig, device: str, progress: Progress) -> PitchMeter:
    """Load the pitch estimator.

    Raises:
        MissingWeightsError: its weights are not here and cannot be fetched.
        EvalError: there is no such method.
    """
    known = list_f0_estimators()
    if ":" not in config.f0_method and config.f0_method not in known:
        raise EvalError(f"unknown F0 method {config.f0_method!r}, known: {', '.join(known)}")
    try:
        return PitchMeter(load_f0_estimator(config.f0_method, device=device))
    except FeatureError as error:
        raise MissingWeightsError(str(error)) from error
