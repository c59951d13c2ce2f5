"""What all estimators share: settings, long recordings in windows, silence, the frame grid."""

import importlib.metadata
from abc import ABC, abstractmethod
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_features.config import F0Config
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Curve
from ezrvc_features.f0.grid import PitchTrack, level_near
from ezrvc_features.frames import FrameSpec

SILENCE_LEVEL = 1e-3
"""Amplitude (-60 dB of full scale) below which nothing is voiced, for every method."""

_REVISION = 1  # Raise it when the rules of this module give other curves.
WINDOW_S = 30
MARGIN_S = 2  # Even, so that windows start on every method's own grid (10 and 16 ms).
_EDGE_S = 0.16  # Silence around a recording: a whole number of 10 and 16 ms steps.
_DEFAULTS = F0Config()


class F0Settings(TypedDict, total=False):
    """What every estimator can be told; what is left out is as in `F0Config`."""

    min_hz: float
    """Lowest pitch to report."""
    max_hz: float
    """Highest pitch to report."""
    voicing_threshold: float | None
    """How sure of a pitch the method must be, 0 to 1; None: the method's own default."""


class WindowedEstimator(ABC):
    """An F0 estimator that looks at one window of a recording after the other.

    A recording of up to 30 s is one window; a longer one is cut into windows of 30 s that see
    2 s on either side, so that memory does not grow with length. Each window is mixed to mono and
    resampled to the method's rate on its own, and silence is put around it, so that input of any
    length and rate can be analysed. Frames whose surroundings (20 ms) stay below
    `SILENCE_LEVEL` are unvoiced whatever the method says.

    A subclass states its class attributes and implements `_analyse`.

    Args:
        settings: min_hz, max_hz and voicing_threshold, see `F0Settings`. A range that goes beyond
            what the method supports is narrowed to it (`range_hz` says what came of it); the
            threshold is on the method's own scale, None is its `default_threshold`.

    Raises:
        FeatureError: the method supports nothing of the range, or the threshold is not between 0
            and 1.

    Attributes:
        name: the registry's name.
        distribution: the installed distribution that does the work; its version counts.
        revision: raised when the subclass itself gives other curves.
        supported_hz: lowest and highest pitch that the method can find.
        sample_rate: Hz, what the method listens at.
        default_threshold: of voicing.
    """

    name: str
    distribution: str
    revision: int = 1
    supported_hz: tuple[float, float]
    sample_rate: int = 16000
    default_threshold: float

    def __init__(self, **settings: Unpack[F0Settings]) -> None:
        min_hz = settings.get("min_hz", _DEFAULTS.min_hz)
        max_hz = settings.get("max_hz", _DEFAULTS.max_hz)
        asked = settings.get("voicing_threshold")
        self._min_hz = max(min_hz, self.supported_hz[0])
        self._max_hz = min(max_hz, self.supported_hz[1])
        if self._min_hz >= self._max_hz:
            raise FeatureError(
                f"{self.name} finds pitch between {self.supported_hz[0]:g} and "
                f"{self.supported_hz[1]:g} Hz, nothing from {min_hz:g} to {max_hz:g} Hz"
            )
        threshold = self.default_threshold if asked is None else asked
        if not 0 <= threshold <= 1:
            raise FeatureError(f"a voicing threshold lies between 0 and 1, got {threshold:g}")
        self._threshold = threshold

    @property
    def library(self) -> str:
        """What does the work, with its version."""
        return f"{self.distribution} {importlib.metadata.version(self.distribution)}"

    @property
    def version(self) -> str:
        """The library's version, the revisions of our own rules, and the settings in effect."""
        return (
            f"{self.library}, revision {_REVISION}.{self.revision}, "
            f"{self._min_hz:g}-{self._max_hz:g} Hz, threshold {self._threshold:g}"
        )

    @property
    def range_hz(self) -> tuple[float, float]:
        """Lowest and highest pitch it reports, Hz."""
        return self._min_hz, self._max_hz

    def estimate(self, waveform: Waveform, frames: FrameSpec) -> F0Curve:
        """The curve of `waveform` with `frames.n_frames_of(waveform)` frames; 0 Hz is unvoiced.

        Args:
            waveform: any rate, any number of channels (they are mixed), any length.
            frames: the grid; its rate need not be that of the waveform.
        """
        n_frames = frames.n_frames_of(waveform)
        times_s = frames.times_s(n_frames)
        hz = np.zeros(n_frames, dtype=np.float32)
        voiced = np.zeros(n_frames, dtype=np.bool_)
        start_s = 0
        while n_frames and start_s <= times_s[-1]:
            inside = slice(*np.searchsorted(times_s, (start_s, start_s + WINDOW_S)))
            track = self._track(waveform, start_s)
            hz[inside], voiced[inside] = track.at(times_s[inside])
            start_s += WINDOW_S
        return F0Curve(hz=hz, voiced=voiced)

    def _track(self, waveform: Waveform, start_s: int) -> PitchTrack:
        """Pitch around one window, at times of the whole recording."""
        first_s = max(start_s - MARGIN_S, 0)
        end_s = start_s + WINDOW_S + MARGIN_S
        window = waveform.cut(first_s * waveform.sample_rate, end_s * waveform.sample_rate)
        heard = resample(window.mono(), self.sample_rate).samples[0]
        edge = round(_EDGE_S * self.sample_rate)
        padded = np.pad(heard, edge)
        track = self._analyse(padded)
        loud = level_near(padded, self.sample_rate, track.times_s) >= SILENCE_LEVEL
        return PitchTrack(
            times_s=track.times_s + (first_s - edge / self.sample_rate),
            hz=track.hz.clip(self._min_hz, self._max_hz),
            voiced=track.voiced & loud,
        )

    @abstractmethod
    def _analyse(self, samples: NDArray[np.float32]) -> PitchTrack:
        """Pitch of a window.

        Args:
            samples: (n_samples,) at `sample_rate`, at least 0.32 s.

        Returns:
            Points at the method's own times, seconds from the first sample.
        """
