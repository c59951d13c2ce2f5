"""Repair of octave jumps: short runs of frames at double or half the pitch around them."""

import numpy as np
from numpy.typing import NDArray

from ezrvc_features.f0.base import F0Curve
from ezrvc_features.f0.refinement import RefinedEstimator, voiced_stretches
from ezrvc_features.frames import FrameSpec

REACH_S = 0.1
"""How far around a frame its neighbours say which octave it belongs to, seconds."""
_SHIFTS = np.array([0.0, -1.0, 1.0])
"""Octaves a frame may be moved; of equal paths the one that leaves it alone comes first."""
_NEAR = 0.25
"""Octaves from the local median that a moved frame may lie."""
_BLOCK = 4096
_REVISION = 1


def repair_octaves(curve: F0Curve, frames: FrameSpec, range_hz: tuple[float, float]) -> F0Curve:
    """Move frames by an octave where that brings them to their neighbours.

    For every voiced frame the pitch f, f/2 or 2f is chosen, over each voiced stretch at once
    (Viterbi): a choice costs its distance, in octaves, from the median of all voiced frames
    within `REACH_S`, and the step from the frame before costs its size in octaves; a frame may
    only be moved to within a quarter of an octave of that median. A run at the wrong octave is
    thus repaired as long as the right pitch holds the majority around it: up to `REACH_S` long. A
    leap to a note that is held longer stays, and so does a leap by another interval, a fifth say.
    Voicing does not change.

    Args:
        curve: any.
        frames: its grid.
        range_hz: what pitches a frame may be moved to.
    """
    voiced = curve.voiced
    if not voiced.any():
        return curve
    octaves = np.full(len(curve.hz), np.nan)
    octaves[voiced] = np.log2(curve.hz[voiced])
    local = _local_median(octaves, max(1, round(REACH_S * frames.frame_rate_hz)))
    low, high = np.log2(range_hz)
    hz = curve.hz.copy()
    for stretch in voiced_stretches(curve):
        candidates = octaves[stretch, None] + _SHIFTS  # (n_frames, 3)
        cost = np.abs(candidates - local[stretch, None])
        barred = (candidates < low - 1e-6) | (candidates > high + 1e-6) | (cost > _NEAR)
        barred[:, 0] = False
        cost[barred] = np.inf
        shifts = _SHIFTS[_cheapest_path(candidates, cost)]
        hz[stretch] = curve.hz[stretch] * 2.0**shifts
    return F0Curve(hz=hz, voiced=voiced)


class OctaveRepairedEstimator(RefinedEstimator):
    """An estimator whose octave jumps are repaired, see `repair_octaves`."""

    @property
    def refinement(self) -> str:
        """The reach and the revision."""
        return f"octave repair {REACH_S:g} s, revision {_REVISION}"

    def refine(self, curve: F0Curve, frames: FrameSpec) -> F0Curve:
        """The repaired curve."""
        return repair_octaves(curve, frames, self.range_hz)


def _local_median(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """The median of what is not NaN within `reach` of each value; NaN where that is nothing."""
    padded = np.pad(values, reach, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    medians = np.empty_like(values)
    for start in range(0, len(values), _BLOCK):
        ordered = np.sort(windows[start : start + _BLOCK], axis=1)  # NaN comes last
        count = np.maximum(np.isfinite(ordered).sum(axis=1, keepdims=True), 1)
        middle = [np.take_along_axis(ordered, (count - 1 + i) // 2, axis=1) for i in (0, 1)]
        medians[start : start + _BLOCK] = (middle[0] + middle[1])[:, 0] / 2
    return medians


def _cheapest_path(candidates: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which candidate of each frame lies on the path of least cost, (n_frames,)."""
    n_frames = len(candidates)
    came_from = np.zeros(candidates.shape, dtype=np.int64)
    total = cost[0]
    for frame in range(1, n_frames):
        steps = total[:, None] + np.abs(candidates[frame] - candidates[frame - 1, :, None])
        came_from[frame] = steps.argmin(axis=0)
        total = steps.min(axis=0) + cost[frame]
    path = np.empty(n_frames, dtype=np.int64)
    path[-1] = total.argmin()
    for frame in range(n_frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path
