"""Is it as loud as it should be, and whole at the peaks?"""

import math

import numpy as np

from ezrvc_audio.loudness import measure_lufs, true_peak_db
from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Score

FULL_SCALE = 0.999
"""From here on a sample counts as being at full scale."""
SHORTEST_RUN = 3
"""So many samples at full scale in a row are clipped."""
_SILENT = "loudness, loudness_change, true_peak: there is only silence"


class LevelMeter:
    """Loudness, peaks and clipping."""

    def measure(self, take: Take) -> Measurement:
        """`loudness`, `loudness_change`, `true_peak`, `clipped`; of silence the last alone."""
        n_samples = take.converted.n_samples * take.converted.n_channels
        clipped = Score(count_clipped(take.converted) / n_samples * 1e6, n_samples)
        loudness = measure_lufs(take.converted)
        if loudness == -math.inf:
            return Measurement({"clipped": clipped}, notes=(_SILENT,))
        scores = {
            "loudness": Score(loudness),
            "true_peak": Score(true_peak_db(take.converted)),
            "clipped": clipped,
        }
        if take.reference is not None and (before := measure_lufs(take.reference)) > -math.inf:
            scores["loudness_change"] = Score(loudness - before)
        return Measurement(scores)


def count_clipped(waveform: Waveform) -> int:
    """How many samples are in runs of at least three at full scale, of all channels."""
    total = 0
    for channel in waveform.samples:
        at_full_scale = np.concatenate([[False], np.abs(channel) >= FULL_SCALE, [False]])
        edges = np.flatnonzero(at_full_scale[1:] != at_full_scale[:-1])
        runs = edges[1::2] - edges[::2]
        total += int(runs[runs >= SHORTEST_RUN].sum())
    return total


def load(config: EvaluationConfig, device: str, progress: Progress) -> LevelMeter:
    """It needs no model."""
    return LevelMeter()
