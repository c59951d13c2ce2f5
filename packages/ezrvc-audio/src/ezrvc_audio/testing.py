"""Sounds whose truth is known, for the tests of every package that listens to sound.

All are deterministic: the same arguments give the same samples. `speech_like` is a small
source-filter synthesizer (Fant 1960): it has voiced vowels with moving pitch, noisy consonants
and pauses, so that slicers, pitch estimators and encoders meet what they meet in recordings.
"""

# PyAV types its packets in part only.
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from ezrvc_audio.filtering import Signal, recursive_filter
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write

_VOWELS_HZ = (  # First four formants of a male speaker, after Peterson and Barney (1952).
    (270.0, 2290.0, 3010.0, 3600.0),
    (390.0, 1990.0, 2550.0, 3500.0),
    (530.0, 1840.0, 2480.0, 3500.0),
    (730.0, 1090.0, 2440.0, 3400.0),
    (570.0, 840.0, 2410.0, 3300.0),
    (300.0, 870.0, 2240.0, 3300.0),
    (490.0, 1350.0, 1690.0, 3300.0),
)
_BANDWIDTHS_HZ = (70.0, 100.0, 150.0, 200.0)
_PEAK = 0.5
_ROOM_NOISE = 1e-4  # -80 dB: recorded pauses are quiet, not digitally silent.


def silence(duration_s: float = 1.0, sample_rate: int = 44_100) -> Waveform:
    """Digital silence, mono."""
    return Waveform(np.zeros((1, _count(duration_s, sample_rate)), np.float32), sample_rate)


def tone(
    frequency_hz: float = 220.0,
    duration_s: float = 1.0,
    sample_rate: int = 44_100,
    *,
    amplitude: float = _PEAK,
) -> Waveform:
    """A sine that starts at phase zero, mono."""
    time_s = _times(duration_s, sample_rate)
    return _mono(amplitude * np.sin(2 * np.pi * frequency_hz * time_s), sample_rate)


def harmonic_tone(
    f0_hz: float = 220.0,
    duration_s: float = 1.0,
    sample_rate: int = 44_100,
    *,
    n_partials: int = 10,
    amplitude: float = _PEAK,
) -> Waveform:
    """A steady voice-like tone, mono: partial k has amplitude 1/k.

    Partials at or above half the sample rate are left out.

    Args:
        f0_hz: frequency of the first partial.
        duration_s: length in seconds.
        sample_rate: samples a second, Hz.
        n_partials: how many partials at most.
        amplitude: peak of the whole.
    """
    time_s = _times(duration_s, sample_rate)
    partials = [k for k in range(1, n_partials + 1) if k * f0_hz < sample_rate / 2]
    mixed = np.zeros_like(time_s)
    for k in partials:
        mixed += np.sin(2 * np.pi * k * f0_hz * time_s) / k
    return _mono(_scaled_to_peak(mixed, amplitude), sample_rate)


def chirp(
    start_hz: float = 100.0,
    end_hz: float = 800.0,
    duration_s: float = 2.0,
    sample_rate: int = 44_100,
    *,
    n_partials: int = 1,
    amplitude: float = _PEAK,
) -> Waveform:
    """A tone that rises or falls by equal intervals in equal times, mono.

    The first partial's frequency at time t is `chirp_hz(start_hz, end_hz, duration_s, t)`; partial
    k has amplitude 1/k, and a partial is silent wherever it would pass half the sample rate.
    """
    time_s = _times(duration_s, sample_rate)
    f0_hz = chirp_hz(start_hz, end_hz, duration_s, time_s)
    rate = np.log(end_hz / start_hz) / duration_s  # of growth, 1/s
    turns = start_hz * time_s if rate == 0.0 else (f0_hz - start_hz) / rate
    mixed = np.zeros_like(time_s)
    for k in range(1, n_partials + 1):
        mixed += np.sin(2 * np.pi * k * turns) / k * (k * f0_hz < sample_rate / 2)
    return _mono(_scaled_to_peak(mixed, amplitude), sample_rate)


def chirp_hz(start_hz: float, end_hz: float, duration_s: float, time_s: Signal) -> Signal:
    """The true frequency of `chirp` at the given times."""
    return start_hz * (end_hz / start_hz) ** (time_s / duration_s)


def noise(
    duration_s: float = 1.0,
    sample_rate: int = 44_100,
    *,
    seed: int = 0,
    n_channels: int = 1,
    amplitude: float = _PEAK,
) -> Waveform:
    """White noise, uniform between plus and minus `amplitude`; channels are independent."""
    shape = (n_channels, _count(duration_s, sample_rate))
    samples = np.random.default_rng(seed).uniform(-amplitude, amplitude, shape)
    return Waveform(samples.astype(np.float32), sample_rate)


def stereo(left: Waveform, right: Waveform) -> Waveform:
    """Two mono sounds of equal rate and length as one of two channels."""
    return Waveform(np.concatenate([left.samples, right.samples]), left.sample_rate)


def speech_like(
    duration_s: float = 4.0,
    sample_rate: int = 44_100,
    *,
    seed: int = 0,
    f0_hz: float = 120.0,
    formant_scale: float = 1.0,
) -> Waveform:
    """Babble with the build of speech, mono: phrases of syllables with pauses between.

    Glottal pulses (Rosenberg 1971) pass through four formant resonators that change from syllable
    to syllable; syllables open with a consonant of noise. Phrases last 1–3 s, pauses 0.3–0.7 s and
    hold room noise at -80 dB. Pitch moves up to three semitones around `f0_hz`.

    Args:
        duration_s: length in seconds.
        sample_rate: samples a second, Hz.
        seed: what is said; the same seed says the same.
        f0_hz: middle of the pitch.
        formant_scale: above 1 for a shorter vocal tract (a child: 1.3), below for a longer one.
    """
    random = np.random.default_rng(seed)
    n_samples = _count(duration_s, sample_rate)
    syllables = _plan_syllables(n_samples, sample_rate, random)
    f0_curve = f0_hz * 2 ** (_wander(n_samples, sample_rate, random) * 3 / 12)
    pulses = _glottal_pulses(f0_curve, sample_rate)
    breath = random.standard_normal(n_samples)
    spoken = np.zeros(n_samples)
    memory = [np.zeros(2) for _ in _BANDWIDTHS_HZ]
    for syllable in syllables:
        part = slice(syllable.start, syllable.end)
        source = pulses[part] * syllable.voicing + 0.003 * breath[part]
        for index, (formant_hz, bandwidth_hz) in enumerate(
            zip(syllable.formants_hz, _BANDWIDTHS_HZ, strict=True)
        ):
            resonator = _resonator(formant_hz * formant_scale, bandwidth_hz, sample_rate)
            source, memory[index] = recursive_filter(*resonator, source, memory[index])
        hiss = np.diff(breath[part], prepend=0.0) * syllable.frication
        spoken[part] = source * syllable.loudness + 0.3 * hiss
    spoken = _scaled_to_peak(spoken, _PEAK) + _ROOM_NOISE * random.standard_normal(n_samples)
    return _mono(spoken, sample_rate)


def write_corpus(
    folder: Path,
    speakers: Sequence[str] = ("first", "second"),
    *,
    n_recordings: int = 2,
    duration_s: float = 10.0,
    sample_rate: int = 44_100,
    suffix: str = ".wav",
) -> list[Path]:
    """Write a raw corpus of babble as users lay theirs out: `<folder>/<speaker>/take-1.wav`.

    Each speaker has a pitch and a vocal tract of their own; each recording says something else.

    Returns:
        The files, in the order of `speakers`, then of recordings.

    Raises:
        AudioError: the folder cannot be written or the suffix is not known.
    """
    paths: list[Path] = []
    for number, speaker in enumerate(speakers):
        for take in range(n_recordings):
            path = folder / speaker / f"take-{take + 1}{suffix}"
            spoken = speech_like(
                duration_s,
                sample_rate,
                seed=100 * number + take,
                f0_hz=110.0 * 1.4 ** (number % 4),
                formant_scale=1.0 + 0.06 * (number % 4),
            )
            write(path, spoken)
            paths.append(path)
    return paths


def write_video(path: Path, waveform: Waveform | None, *, duration_s: float = 1.0) -> None:
    """Write an MP4 file with a black picture, and with sound (mono or stereo AAC) if any is given.

    Args:
        path: where to.
        waveform: the sound; None for a silent film.
        duration_s: length of the picture, seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w", format="mp4") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        audio = None
        layout = "mono" if waveform is None or waveform.n_channels == 1 else "stereo"
        if waveform is not None:
            audio = container.add_stream("aac", rate=waveform.sample_rate)
            audio.layout, audio.format = layout, "fltp"
        black = np.zeros((32, 32, 3), np.uint8)
        for _ in range(round(10 * duration_s)):
            container.mux(video.encode(VideoFrame.from_ndarray(black, format="rgb24")))
        container.mux(video.encode(None))
        if waveform is not None and audio is not None:
            frame = AudioFrame.from_ndarray(waveform.samples, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = waveform.sample_rate, 0
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))


@dataclass(frozen=True)
class _Syllable:
    """One stretch of `speech_like`: formants and envelopes over its samples."""

    start: int
    end: int
    formants_hz: tuple[float, ...]
    voicing: Signal
    frication: Signal
    loudness: Signal


def _plan_syllables(
    n_samples: int, sample_rate: int, random: np.random.Generator
) -> list[_Syllable]:
    """Lay syllables in phrases from the first sample to the last."""
    syllables: list[_Syllable] = []
    position = round(random.uniform(0.05, 0.2) * sample_rate)
    phrase_end = position + round(random.uniform(1.0, 3.0) * sample_rate)
    while position < n_samples:
        end = min(position + round(random.uniform(0.15, 0.3) * sample_rate), n_samples)
        syllables.append(_syllable(position, end, sample_rate, random))
        position = end
        if position >= phrase_end:
            position += round(random.uniform(0.3, 0.7) * sample_rate)
            phrase_end = position + round(random.uniform(1.0, 3.0) * sample_rate)
    return syllables


def _syllable(start: int, end: int, sample_rate: int, random: np.random.Generator) -> _Syllable:
    time_s = np.arange(end - start) / sample_rate
    left_s = (end - start) / sample_rate - time_s
    consonant_s = random.uniform(0.03, 0.07)
    voicing = np.clip((time_s - consonant_s / 2) / 0.02, 0.0, 1.0)
    fade = np.clip(np.minimum(time_s, left_s) / 0.015, 0.0, 1.0)
    return _Syllable(
        start=start,
        end=end,
        formants_hz=_VOWELS_HZ[int(random.integers(len(_VOWELS_HZ)))],
        voicing=voicing * fade,
        frication=np.clip(1.0 - time_s / consonant_s, 0.0, 1.0) * fade * random.uniform(0.01, 0.05),
        loudness=fade * random.uniform(0.6, 1.0),
    )


def _glottal_pulses(f0_curve: Signal, sample_rate: int) -> Signal:
    """Flow derivative of Rosenberg's pulse, one a period (opening 40 %, closing 16 % of it)."""
    phase = np.cumsum(f0_curve / sample_rate) % 1.0
    opening = 0.5 * (1 - np.cos(np.pi * phase / 0.4))
    closing = np.cos(0.5 * np.pi * (phase - 0.4) / 0.16)
    flow = np.where(phase < 0.4, opening, np.where(phase < 0.56, closing, 0.0))
    return np.diff(flow, prepend=flow[:1])


def _resonator(
    formant_hz: float, bandwidth_hz: float, sample_rate: int
) -> tuple[list[float], list[float]]:
    """Two-pole resonator of unit gain at 0 Hz (Klatt 1980); none above 0.45 of the sample rate."""
    if formant_hz > 0.45 * sample_rate:
        return [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]
    radius = np.exp(-np.pi * bandwidth_hz / sample_rate)
    second = -2 * radius * np.cos(2 * np.pi * formant_hz / sample_rate)
    third = radius**2
    return [float(1 + second + third), 0.0, 0.0], [1.0, float(second), float(third)]


def _wander(n_samples: int, sample_rate: int, random: np.random.Generator) -> Signal:
    """A smooth random curve within -1 and 1 that turns about four times a second."""
    n_knots = max(2, round(4 * n_samples / sample_rate) + 2)
    knots = random.uniform(-1.0, 1.0, n_knots)
    place = np.linspace(0.0, n_knots - 1.0, n_samples)
    whole = np.minimum(place.astype(np.int64), n_knots - 2)
    blend = 0.5 * (1 - np.cos(np.pi * (place - whole)))
    return knots[whole] * (1 - blend) + knots[whole + 1] * blend


def _scaled_to_peak(signal: Signal, amplitude: float) -> Signal:
    peak = float(np.max(np.abs(signal)))
    return signal * (amplitude / peak) if peak > 0.0 else signal


def _count(duration_s: float, sample_rate: int) -> int:
    return round(duration_s * sample_rate)


def _times(duration_s: float, sample_rate: int) -> Signal:
    return np.arange(_count(duration_s, sample_rate)) / sample_rate


def _mono(signal: Signal, sample_rate: int) -> Waveform:
    return Waveform(signal[np.newaxis].astype(np.float32), sample_rate)
