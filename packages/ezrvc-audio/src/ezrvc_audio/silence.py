"""Where the sound of a recording begins and ends."""

import numpy as np

from ezrvc_audio.errors import AudioError
from ezrvc_audio.waveform import Waveform


def sound_bounds(
    waveform: Waveform, *, threshold_db: float = -50.0, window_s: float = 0.01
) -> tuple[int, int] | None:
    """The first and last part that is louder than a threshold.

    Args:
        waveform: any sound; its loudest channel counts.
        threshold_db: root mean square of a window that counts as sound, dB of full scale.
        window_s: length of a window, seconds.

    Returns:
        The first sample of the first such window and the sample after the last one; None if no
        window is as loud.
    """
    n_window = max(1, round(window_s * waveform.sample_rate))
    n_windows = -(-waveform.n_samples // n_window)
    padding = n_windows * n_window - waveform.n_samples
    power = np.pad(waveform.samples.astype(np.float64) ** 2, ((0, 0), (0, padding)))
    # (channels, n_windows, n_window) -> (n_windows,)
    power = power.reshape(waveform.n_channels, n_windows, n_window).mean(axis=2).max(axis=0)
    loud = np.flatnonzero(power > 10 ** (threshold_db / 10))
    if loud.size == 0:
        return None
    return int(loud[0]) * n_window, min((int(loud[-1]) + 1) * n_window, waveform.n_samples)


def trim_silence(
    waveform: Waveform, *, threshold_db: float = -50.0, keep_s: float = 0.05
) -> Waveform:
    """Cut silence off both ends; pauses inside stay.

    Args:
        waveform: any sound.
        threshold_db: what counts as sound, as in `sound_bounds`.
        keep_s: silence to keep at either end, so that no soft onset is lost, seconds.

    Raises:
        AudioError: nothing in it is louder than the threshold.
    """
    bounds = sound_bounds(waveform, threshold_db=threshold_db)
    if bounds is None:
        raise AudioError(f"nothing is louder than {threshold_db:g} dB: there is only silence")
    n_keep = round(keep_s * waveform.sample_rate)
    return waveform.cut(max(0, bounds[0] - n_keep), min(waveform.n_samples, bounds[1] + n_keep))
