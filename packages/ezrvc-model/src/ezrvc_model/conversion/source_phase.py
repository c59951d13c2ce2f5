"""The phase of the sine source by place in the recording, not by where synthesis starts."""

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_model.stretches import stretches
from ezrvc_model.vocoders.sine_source import WITHIN_CYCLE, SineSource, as_cycles, phase_steps

_FRAMES_AT_ONCE = 4096


def partial_phases(
    source: SineSource, f0: NDArray[np.float32], *, seed: int, stream: int
) -> NDArray[np.float32]:
    """Phase of the fundamental and of each overtone before each frame.

    The fundamental begins at 0, overtones at random. From there the whole numbers that the source
    itself counts by are summed over the recording, so that a source which starts at any frame with
    these phases goes on as the one that started at the first frame would.

    Args:
        source: whose phases are counted.
        f0: Hz, held for the length of each frame, (n_frames,).
        seed: of the whole conversion.
        stream: tells these draws from those of another use.

    Returns:
        Cycles within 0 and 1, (n_frames, n_partials).
    """
    first = torch.from_numpy(np.random.default_rng((seed, stream)).random(source.n_partials))
    first[0] = 0.0
    phases = np.empty((len(f0), source.n_partials), dtype=np.float32)
    total = torch.zeros(source.n_partials, dtype=torch.int64)
    for now in stretches(len(f0), _FRAMES_AT_ONCE) if len(f0) else ():
        hz = torch.from_numpy(f0[now])
        steps = phase_steps(hz, source.n_partials, source.sample_rate)
        advances = (steps * source.hop_length) & WITHIN_CYCLE
        ends = advances.cumsum(dim=0) + total
        phases[now] = ((as_cycles(ends - advances) + first) % 1.0).numpy()
        total = ends[-1] & WITHIN_CYCLE
    return phases
