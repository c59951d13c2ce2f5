"""Synthetic voices whose pitch is known to the sample, for measuring pitch estimators.

A voice is a sum of partials under the envelope of a vowel, so that its pitch is exactly what was
asked for and nothing folds back from above half the sample rate. It can be laid into noise and
into a room.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform
from ezrvc_features.f0.base import F0Curve
from ezrvc_features.frames import FrameSpec

Signal = NDArray[np.float64]

SAMPLE_RATE = 44100
_VOWELS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))
"""Formants of /a/, /i/, /u/ and /e/ (Peterson and Barney 1952, men)."""
_FORMANT_WIDTHS_HZ = (90.0, 110.0, 170.0)
_FADE_S = 0.012
_BREATH = 0.003
_ROOM_S = 0.5
"""Time after which the room's sound has fallen by 60 dB."""


@dataclass(frozen=True, eq=False)
class KnownVoice:
    """A sound and its true pitch.

    Attributes:
        waveform: mono, at `SAMPLE_RATE`.
        hz: true pitch of each sample, 0 where unvoiced, (n_samples,).
    """

    waveform: Waveform
    hz: Signal

    def curve(self, frames: FrameSpec) -> F0Curve:
        """The true curve on a frame grid."""
        times_s = frames.times_s(frames.n_frames_of(self.waveform))
        place = np.round(times_s * SAMPLE_RATE).astype(np.int64).clip(0, self.hz.size - 1)
        hz = self.hz[place].astype(np.float32)
        return F0Curve(hz=hz, voiced=hz > 0)


def spoken_voice(duration_s: float, middle_hz: float, *, seed: int) -> KnownVoice:
    """Speech-like: syllables with hissed consonants and pauses, pitch that glides and falls.

    Pitch stays within five semitones of the middle.
    """
    random = np.random.default_rng(seed)
    n_samples = round(duration_s * SAMPLE_RATE)
    knots = random.uniform(-5, 5, max(2, round(4 * duration_s) + 1))
    semitones = np.interp(np.linspace(0, knots.size - 1, n_samples), np.arange(knots.size), knots)
    hz = np.zeros(n_samples)
    hiss = np.zeros(n_samples)
    position = round(0.05 * SAMPLE_RATE)
    while position < n_samples:
        consonant = round(random.uniform(0.03, 0.07) * SAMPLE_RATE)
        vowel = round(random.uniform(0.12, 0.25) * SAMPLE_RATE)
        hiss[position : position + consonant] = random.uniform(0.02, 0.06)
        voiced = slice(position + consonant, position + consonant + vowel)
        hz[voiced] = middle_hz * 2 ** (semitones[voiced] / 12)
        position = voiced.stop
        if random.random() < 0.25:
            position += round(random.uniform(0.1, 0.2) * SAMPLE_RATE)
    return _rendered(hz, hiss, random)


def sung_voice(duration_s: float, lowest_hz: float, highest_hz: float, *, seed: int) -> KnownVoice:
    """Singing-like: notes over a range, joined by glides, with vibrato and a breath now and then.

    The first note is the lowest and the second the highest of the range; vibrato is half a
    semitone to either side, 5.5 times a second.
    """
    random = np.random.default_rng(seed)
    n_samples = round(duration_s * SAMPLE_RATE)
    target = np.zeros(n_samples)
    sounding = np.zeros(n_samples, dtype=np.bool_)
    position, count = round(0.05 * SAMPLE_RATE), 0
    while position < n_samples:
        end = position + round(random.uniform(0.22, 0.35) * SAMPLE_RATE)
        place = (0.0, 1.0)[count] if count < 2 else random.uniform(0, 1)
        target[position:end] = np.log2(lowest_hz) * (1 - place) + np.log2(highest_hz) * place
        sounding[position:end] = True
        breath = round(0.12 * SAMPLE_RATE) if count % 3 == 2 else 0
        position, count = end + breath, count + 1
    known = np.flatnonzero(sounding)
    filled = np.interp(np.arange(n_samples), known, target[known])
    glide = np.hanning(round(0.08 * SAMPLE_RATE))
    padded = np.pad(filled, (glide.size // 2, glide.size - 1 - glide.size // 2), mode="edge")
    octaves = np.convolve(padded, glide / glide.sum(), mode="valid")
    vibrato = 0.5 / 12 * np.sin(2 * np.pi * 5.5 * np.arange(n_samples) / SAMPLE_RATE)
    hz = np.where(sounding, 2 ** (octaves + vibrato), 0.0)
    return _rendered(hz, np.zeros(n_samples), random)


def with_noise(voice: KnownVoice, snr_db: float, *, seed: int) -> KnownVoice:
    """The voice in pink noise, at a ratio of the powers while it is voiced."""
    random = np.random.default_rng(seed)
    samples = voice.waveform.samples[0].astype(np.float64)
    spectrum = np.fft.rfft(random.standard_normal(samples.size))
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, samples.size)
    wanted = np.mean(samples[voice.hz > 0] ** 2) / 10 ** (snr_db / 10)
    noise *= np.sqrt(wanted / np.mean(noise**2))
    return KnownVoice(_waveform(samples + noise), voice.hz)


def in_a_room(voice: KnownVoice, *, seed: int) -> KnownVoice:
    """The voice in a room of half a second of reverberation, as strong as the direct sound."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(_ROOM_S * SAMPLE_RATE)) / SAMPLE_RATE
    tail = random.standard_normal(time_s.size) * 10 ** (-3 * time_s / _ROOM_S)
    tail[: round(0.005 * SAMPLE_RATE)] = 0
    response = tail / np.sqrt(np.sum(tail**2))
    response[0] = 1.0
    samples = voice.waveform.samples[0].astype(np.float64)
    n_fft = 1 << (samples.size + response.size).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, n_fft) * np.fft.rfft(response, n_fft), n_fft)
    return KnownVoice(_waveform(wet[: samples.size]), voice.hz)


def _rendered(hz: Signal, hiss: Signal, random: np.random.Generator) -> KnownVoice:
    """Partials of the pitch under a vowel's envelope, and noise."""
    voiced = hz > 0
    phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    formants = _VOWELS_HZ[int(random.integers(len(_VOWELS_HZ)))]
    samples = np.zeros(hz.size)
    for number in range(1, int(0.45 * SAMPLE_RATE / hz[voiced].min()) + 1):
        partial_hz = number * hz
        heard = voiced & (partial_hz < 0.45 * SAMPLE_RATE)
        if number > 40 or not heard.any():
            break
        level = _vowel(partial_hz[heard], formants) / number**1.5
        samples[heard] += level * np.sin(number * phase[heard])
    samples *= _faded(voiced)
    samples *= 0.4 / np.abs(samples).max()
    noise = random.standard_normal(hz.size)
    samples += _BREATH * voiced * noise + hiss * np.diff(noise, prepend=0.0)
    return KnownVoice(_waveform(samples + 1e-4 * random.standard_normal(hz.size)), hz)


def _vowel(hz: Signal, formants: tuple[int, ...]) -> Signal:
    """How strongly a vocal tract passes each frequency; never less than a twentieth."""
    level = np.full(hz.shape, 0.05)
    for formant_hz, width_hz in zip(formants, _FORMANT_WIDTHS_HZ, strict=True):
        level += 1 / (1 + ((hz - formant_hz) / (2 * width_hz)) ** 2)
    return level


def _faded(voiced: NDArray[np.bool_]) -> Signal:
    """1 inside voiced stretches, rising from 0 and falling to it at their ends."""
    ramp = np.hanning(2 * round(_FADE_S * SAMPLE_RATE) + 1)
    inside = np.convolve(voiced.astype(np.float64), ramp / ramp.sum(), mode="same")
    return np.where(voiced, (2 * inside - 1).clip(0, 1), 0.0)


def _waveform(samples: Signal) -> Waveform:
    return Waveform(samples[np.newaxis].astype(np.float32), SAMPLE_RATE)
