"""From the classes of a pitch network to a pitch: the smoothest likely path, then its cents."""

import numpy as np
from numpy.typing import NDArray

_REACH = 12  # bins a path may move in one step at a cost that grows with distance
_COST_PER_BIN = 0.1
_JUMP_COST = 4.0  # of any move beyond the reach
_FLOOR = 0.02  # activations below it tell nothing
_NEIGHBOURS = 4  # bins to either side that take part in a weighted mean


def likely_path(activations: NDArray[np.float32]) -> NDArray[np.int64]:
    """The bin of each step on the likeliest path through all of them (Viterbi).

    A step is as likely as its activation; moving costs more the farther it goes, up to a fixed
    cost at which any jump is allowed, so that a note may change while a single step an octave
    off does not pay.

    Args:
        activations: (n_steps, n_bins), 0 to 1.

    Returns:
        int64, (n_steps,).
    """
    n_steps, n_bins = activations.shape
    scores = np.log(np.maximum(activations, _FLOOR))
    moves = -_COST_PER_BIN * np.abs(np.arange(-_REACH, _REACH + 1))
    came_from = np.empty((n_steps, n_bins), dtype=np.int64)
    score = scores[0].astype(np.float64)
    every_bin = np.arange(n_bins)
    for step in range(1, n_steps):
        padded = np.pad(score, _REACH, constant_values=-np.inf)
        near = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1) + moves
        move = near.argmax(axis=1)
        moved = near[every_bin, move]
        jumped = score.max() - _JUMP_COST
        jumps = jumped > moved
        came_from[step] = np.where(jumps, score.argmax(), every_bin + move - _REACH)
        score = np.where(jumps, jumped, moved) + scores[step]
    path = np.empty(n_steps, dtype=np.int64)
    path[-1] = score.argmax()
    for step in range(n_steps - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path


def pitch_on_path(
    activations: NDArray[np.float32], path: NDArray[np.int64], bin_cents: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pitch between bins, and how sure the network is of it.

    The mean of the bins around the path, weighted by their activations (Kim et al. 2018, CREPE,
    eq. 2, around the path instead of the maximum).

    Args:
        activations: (n_steps, n_bins), 0 to 1.
        path: (n_steps,), a bin for each step.
        bin_cents: (n_bins,), the pitch of each bin in cents above 10 Hz.

    Returns:
        Hz, (n_steps,), and the largest activation around the path, (n_steps,).
    """
    around = path[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    inside = (around >= 0) & (around < activations.shape[1])
    around = around.clip(0, activations.shape[1] - 1)
    weights = np.where(inside, np.take_along_axis(activations, around, axis=1), 0.0)
    cents = (weights * bin_cents[around]).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
    return 10.0 * 2.0 ** (cents / 1200.0), weights.max(axis=1)


def bins_within(bin_cents: NDArray[np.float64], min_hz: float, max_hz: float) -> NDArray[np.bool_]:
    """Which bins lie within a range of pitch, half a bin beyond it included."""
    half = (bin_cents[1] - bin_cents[0]) / 2
    low, high = (1200 * np.log2(hz / 10.0) for hz in (min_hz, max_hz))
    return (bin_cents >= low - half) & (bin_cents <= high + half)
