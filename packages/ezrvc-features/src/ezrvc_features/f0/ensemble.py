"""Several estimators as one: the median of their pitches, voiced where most of them say so."""

from collections.abc import Sequence

import numpy as np

from ezrvc_audio.waveform import Waveform
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.frames import FrameSpec

PREFIX = "ensemble:"
"""What the name of an ensemble begins with; the names of its members follow."""
_REVISION = 1
_TOO_FEW = (
    f"an ensemble needs at least two F0 methods, got {{}}; write it as {PREFIX}swift-f0,fcpe,pm"
)


class EnsembleEstimator:
    """The median of several estimators.

    A frame is voiced where more than half of them find it voiced. Its pitch is the median of
    what those find. Of an even number it is that of the two middle ones which is nearer to the
    first voiced member, in the order given, and never their mean: between two pitches an octave
    apart lies none that anybody found.

    Args:
        estimators: the members, at least two; the first is trusted most.

    Raises:
        FeatureError: there are fewer than two members.
    """

    def __init__(self, estimators: Sequence[F0Estimator]) -> None:
        if len(estimators) < 2:
            raise FeatureError(_TOO_FEW.format(len(estimators)))
        self._estimators = tuple(estimators)

    @property
    def name(self) -> str:
        """`ensemble:` and the names of the members."""
        return ensemble_name([estimator.name for estimator in self._estimators])

    @property
    def version(self) -> str:
        """Those of the members, in order, and the revision of the rule."""
        members = "; ".join(estimator.version for estimator in self._estimators)
        return f"ensemble, revision {_REVISION}: {members}"

    @property
    def range_hz(self) -> tuple[float, float]:
        """From the lowest to the highest pitch that any member reports, Hz."""
        low, high = zip(*(estimator.range_hz for estimator in self._estimators), strict=True)
        return min(low), max(high)

    def estimate(self, waveform: Waveform, frames: FrameSpec) -> F0Curve:
        """The members' curves as one, see `F0Estimator.estimate`."""
        return combine([estimator.estimate(waveform, frames) for estimator in self._estimators])


def combine(curves: Sequence[F0Curve]) -> F0Curve:
    """One curve from several of the same frames, by the rule of `EnsembleEstimator`."""
    voiced = np.stack([curve.voiced for curve in curves])  # (n_members, n_frames)
    hz = np.where(voiced, np.stack([curve.hz for curve in curves]), np.inf)
    count = voiced.sum(axis=0)
    agreed = 2 * count > len(curves)
    ordered = np.sort(hz, axis=0)
    frame = np.arange(hz.shape[1])
    lower = ordered[np.maximum(count - 1, 0) // 2, frame]
    upper = ordered[np.minimum(count // 2, len(curves) - 1), frame]
    first = hz[voiced.argmax(axis=0), frame]
    # the geometric mean of both is as far, in cents, from the one as from the other
    median = np.where(first * first <= lower * upper, lower, upper)
    return F0Curve(hz=np.where(agreed, median, 0.0).astype(np.float32), voiced=agreed)


def ensemble_name(members: Sequence[str]) -> str:
    """The name of an ensemble of these methods."""
    return PREFIX + ",".join(members)


def ensemble_members(name: str) -> tuple[str, ...] | None:
    """The methods of an ensemble's name, or None if it is not one.

    Raises:
        FeatureError: a method is named twice, or only one is named.
    """
    if not name.startswith(PREFIX):
        return None
    members = tuple(member.strip() for member in name.removeprefix(PREFIX).split(","))
    if len(set(members)) < len(members):
        raise FeatureError(f"{name}: names a method twice; name each once")
    if len(members) < 2:
        raise FeatureError(_TOO_FEW.format(len(members)))
    return members
