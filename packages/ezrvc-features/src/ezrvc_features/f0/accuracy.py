"""How far a pitch curve is from the truth: the measures of melody extraction, counted by hand.

Raw pitch and raw chroma accuracy as Poliner et al. 2007 ("Melody Transcription From Music Audio",
IEEE TASLP) define them and mir_eval computes them: a frame is right within 50 cents.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ezrvc_features.f0.base import F0Curve

RIGHT_CENTS = 50.0
"""A pitch closer than this to the truth is right, 1/100 semitones."""


@dataclass(frozen=True)
class F0Accuracy:
    """Counts of frames; those of several curves add up.

    Attributes:
        n_frames: in all.
        n_voiced: that are voiced in truth.
        n_right_pitch: of these, found voiced and within 50 cents.
        n_right_chroma: of these, found voiced and within 50 cents of the true pitch in any octave.
        n_wrong_voicing: voiced in truth and not found so, or the other way round.
    """

    n_frames: int = 0
    n_voiced: int = 0
    n_right_pitch: int = 0
    n_right_chroma: int = 0
    n_wrong_voicing: int = 0

    @classmethod
    def of(cls, found: F0Curve, true: F0Curve) -> Self:
        """Compare two curves of the same frames.

        Raises:
            ValueError: they have different numbers of frames.
        """
        if found.hz.shape != true.hz.shape:
            raise ValueError(f"curves of {found.hz.size} and {true.hz.size} frames do not compare")
        both = found.voiced & true.voiced
        cents = 1200 * np.log2(found.hz[both].astype(np.float64) / true.hz[both])
        within_octave = cents - 1200 * np.floor(cents / 1200 + 0.5)
        return cls(
            n_frames=true.hz.size,
            n_voiced=int(true.voiced.sum()),
            n_right_pitch=int((np.abs(cents) < RIGHT_CENTS).sum()),
            n_right_chroma=int((np.abs(within_octave) < RIGHT_CENTS).sum()),
            n_wrong_voicing=int((found.voiced != true.voiced).sum()),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(
            n_frames=self.n_frames + other.n_frames,
            n_voiced=self.n_voiced + other.n_voiced,
            n_right_pitch=self.n_right_pitch + other.n_right_pitch,
            n_right_chroma=self.n_right_chroma + other.n_right_chroma,
            n_wrong_voicing=self.n_wrong_voicing + other.n_wrong_voicing,
        )

    @property
    def raw_pitch(self) -> float:
        """RPA: share of the truly voiced frames that have the right pitch; NaN without any."""
        return self.n_right_pitch / self.n_voiced if self.n_voiced else float("nan")

    @property
    def raw_chroma(self) -> float:
        """RCA: the same, octaves forgiven."""
        return self.n_right_chroma / self.n_voiced if self.n_voiced else float("nan")

    @property
    def octave_errors(self) -> float:
        """Share of the truly voiced frames that are right but for the octave."""
        return self.raw_chroma - self.raw_pitch

    @property
    def voicing_error(self) -> float:
        """Share of all frames whose voicing is wrong; NaN without frames."""
        return self.n_wrong_voicing / self.n_frames if self.n_frames else float("nan")
