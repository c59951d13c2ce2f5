"""Loudness and peaks after ITU-R BS.1770-4, and gain that keeps below a ceiling."""

# pyloudnorm ships no types: its unknowns end here.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import math

import numpy as np
import pyloudnorm

from ezrvc_audio.errors import AudioError
from ezrvc_audio.filtering import Signal, maximum_ahead, smooth_behind
from ezrvc_audio.true_peaks import oversampled_peaks, standard_filter_peaks
from ezrvc_audio.waveform import Samples, Waveform

_GATING_BLOCK_S = 0.4
_MAX_CHANNELS = 5
_METER_OVERSAMPLING = 4
_LIMITER_OVERSAMPLING = 8
"""The limiter looks closer than the meter, so that every meter agrees with it."""


def measure_lufs(waveform: Waveform) -> float:
    """Integrated loudness in LUFS: K-weighted, gated at -70 LUFS and 10 LU below the mean.

    A sound shorter than one gating block (0.4 s) is measured as one block of its own length,
    without gates. Silence is minus infinity.

    Raises:
        AudioError: more than five channels.
    """
    if waveform.n_channels > _MAX_CHANNELS:
        raise AudioError(f"loudness is defined for up to 5 channels, got {waveform.n_channels}")
    samples = waveform.samples.T.astype(np.float64)  # (n_samples, channels)
    meter = pyloudnorm.Meter(waveform.sample_rate, block_size=_GATING_BLOCK_S)
    n_missing = math.ceil(_GATING_BLOCK_S * waveform.sample_rate) - waveform.n_samples
    if n_missing <= 0:
        return float(meter.integrated_loudness(samples))
    level = float(np.sqrt(np.mean(samples**2)))
    if level == 0.0:
        return -math.inf
    # Unit level passes the absolute gate whatever the sound's own level is.
    padded = np.pad(samples / level, ((0, n_missing), (0, 0)))
    dilution = _GATING_BLOCK_S * waveform.sample_rate / waveform.n_samples
    return float(meter.integrated_loudness(padded)) + decibels(dilution) / 2 + decibels(level)


def peak_db(waveform: Waveform) -> float:
    """The greatest sample, dB of full scale; minus infinity for silence."""
    return decibels(float(np.max(np.abs(waveform.samples))))


def true_peak_db(waveform: Waveform) -> float:
    """The greatest value between samples too, dB of full scale (dBTP); minus infinity for silence.

    BS.1770-4, Annex 2: the sound is oversampled four times; soxr takes the place of the short
    example filter given there. Never less than `peak_db`.
    """
    return decibels(float(oversampled_peaks(waveform, _METER_OVERSAMPLING).max()))


def normalize_peak(waveform: Waveform, target_db: float = -1.0) -> Waveform:
    """Scale the sound so that its greatest sample is `target_db`; silence stays silence."""
    peak = peak_db(waveform)
    return waveform if peak == -math.inf else _amplified(waveform, target_db - peak)


def normalize_loudness(
    waveform: Waveform, target_lufs: float = -23.0, *, ceiling_db: float = -1.0
) -> Waveform:
    """Scale the sound to a loudness, then limit what would pass the ceiling.

    Where the limiter works, the result is slightly softer than the target. Silence stays silence.

    Args:
        waveform: up to five channels.
        target_lufs: loudness to reach, LUFS; -23 is EBU R 128, -16 is usual for podcasts.
        ceiling_db: true peak not to pass, dB of full scale.

    Raises:
        AudioError: more than five channels.
    """
    loudness = measure_lufs(waveform)
    if loudness == -math.inf:
        return waveform
    return limit_true_peak(_amplified(waveform, target_lufs - loudness), ceiling_db)


def limit_true_peak(
    waveform: Waveform,
    ceiling_db: float = -1.0,
    *,
    lookahead_s: float = 0.005,
    release_db_per_s: float = 60.0,
) -> Waveform:
    """Turn the sound down around its peaks so that its true peak does not pass a ceiling.

    A look-ahead limiter: the reduction that each sample needs is known before the sample comes, is
    reached over `lookahead_s` along a Hann window and let go at `release_db_per_s`. All channels
    are turned down together, so that the stereo picture stands still. Sound below the ceiling is
    returned unchanged. What a changing gain itself adds between samples, well under 0.1 dB, is
    taken off the whole.

    Args:
        waveform: any sound, also beyond full scale.
        ceiling_db: true peak not to pass, dB of full scale.
        lookahead_s: how early the gain begins to fall, seconds.
        release_db_per_s: how fast it rises again.
    """
    peaks = _limiter_peaks(waveform).astype(np.float64)
    ceiling = 10 ** (ceiling_db / 20)
    if peaks.max() <= ceiling:
        return waveform
    needed = 20 * np.log10(np.maximum(peaks / ceiling, 1.0))  # dB to take off, (n_samples,)
    n_ahead = max(1, round(lookahead_s * waveform.sample_rate))
    reduction = maximum_ahead(_released(needed, release_db_per_s / waveform.sample_rate), n_ahead)
    window = np.hanning(n_ahead + 3)[1:-1]
    reduction = smooth_behind(reduction, window / window.sum())
    gain = (10 ** (-reduction / 20)).astype(np.float32)
    limited = Waveform(waveform.samples * gain, waveform.sample_rate)
    excess_db = decibels(float(_limiter_peaks(limited).max())) - ceiling_db
    return _amplified(limited, -excess_db) if excess_db > 0 else limited


def decibels(amplitude: float) -> float:
    """An amplitude in dB; minus infinity for 0."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def _amplified(waveform: Waveform, gain_db: float) -> Waveform:
    return Waveform(waveform.samples * np.float32(10 ** (gain_db / 20)), waveform.sample_rate)


def _released(needed: Signal, fall: float) -> Signal:
    """The curve over `needed` that rises at once and falls by at most `fall` a sample."""
    slope: Signal = fall * np.arange(len(needed), dtype=np.float64)
    return np.maximum.accumulate(needed + slope) - slope


def _limiter_peaks(waveform: Waveform) -> Samples:
    """What the limiter looks at, (n_samples,): at least what any meter sees."""
    return np.maximum(
        oversampled_peaks(waveform, _LIMITER_OVERSAMPLING), standard_filter_peaks(waveform)
    )
