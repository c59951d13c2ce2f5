"""A median filter over time: single frames that stand out are brought into line."""

import numpy as np

from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.f0.refinement import RefinedEstimator, voiced_stretches
from ezrvc_features.frames import FrameSpec

_REVISION = 1


def median_filtered(curve: F0Curve, length: int) -> F0Curve:
    """Each voiced frame takes the median of the frames around it.

    The window never reaches beyond a voiced stretch: near its ends it becomes as short as it must
    to stay centred, so that the first and last frame of a stretch stay as they are and the
    number of frames is always odd. Voicing does not change.

    Args:
        curve: any.
        length: of the window, frames; odd.
    """
    hz = curve.hz.copy()
    for stretch in voiced_stretches(curve):
        values = curve.hz[stretch]
        place = np.arange(values.size)
        to_the_end = np.minimum(place, values.size - 1 - place)
        for reach in range(1, length // 2 + 1):
            wanted = to_the_end >= reach  # the widest window that fits comes last
            if wanted.any():
                windows = np.lib.stride_tricks.sliding_window_view(values, 2 * reach + 1)
                hz[stretch][wanted] = np.median(windows, axis=1)
    return F0Curve(hz=hz, voiced=curve.voiced)


def length_in_frames(length_ms: float, frames: FrameSpec) -> int:
    """The odd number of frames, at least one, that comes nearest to a length in milliseconds."""
    return 1 + 2 * max(round((length_ms / 1000 * frames.frame_rate_hz - 1) / 2), 0)


class MedianFilteredEstimator(RefinedEstimator):
    """An estimator with a median filter over its curve, see `median_filtered`.

    Args:
        estimator: finds the pitch.
        length_frames: of the window, odd.
        length_ms: of the window, instead of `length_frames`; becomes the nearest odd number of
            frames.

    Raises:
        FeatureError: not exactly one length is given, or it is not an odd number of frames.
    """

    def __init__(
        self,
        estimator: F0Estimator,
        *,
        length_frames: int | None = None,
        length_ms: float | None = None,
    ) -> None:
        super().__init__(estimator)
        if (length_frames is None) == (length_ms is None):
            raise FeatureError("a median filter needs its length in frames or in ms, one of them")
        if length_frames is not None and (length_frames < 1 or length_frames % 2 == 0):
            raise FeatureError(
                f"a median filter spans an odd number of frames, got {length_frames}"
            )
        if length_ms is not None and length_ms <= 0:
            raise FeatureError(f"a median filter's length must be positive, got {length_ms:g} ms")
        self._length_frames = length_frames
        self._length_ms = length_ms

    @property
    def refinement(self) -> str:
        """The length and the revision."""
        length = (
            f"{self._length_frames} frames"
            if self._length_ms is None
            else f"{self._length_ms:g} ms"
        )
        return f"median filter {length}, revision {_REVISION}"

    def refine(self, curve: F0Curve, frames: FrameSpec) -> F0Curve:
        """The filtered curve."""
        length = self._length_frames
        if length is None:
            assert self._length_ms is not None
            length = length_in_frames(self._length_ms, frames)
        return median_filtered(curve, length)
