"""Several speakers of one voice at once, in fixed shares."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ezrvc_model.errors import ModelError


@dataclass(frozen=True)
class SpeakerMix:
    """Speakers and how much each weighs; the weights count by their ratio.

    Attributes:
        weights: speaker to weight, none negative, not all 0.

    Raises:
        ModelError: there is no speaker, a weight is negative or no number, or all are 0.
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if not self.weights:
            raise ModelError("a mix of speakers names none; write it as ada:0.7,grace:0.3")
        for name, weight in self.weights.items():
            check_weight(weight, f"mix of speakers: {name}")
        if not any(self.weights.values()):
            raise ModelError(f"mix of speakers: all weights are 0 ({', '.join(self.weights)})")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `ada:0.7,grace:0.3`.

        Raises:
            ModelError: it is written otherwise, or is no mix that can be.
        """
        weights: dict[str, float] = {}
        for part in text.split(","):
            name, colon, number = (piece.strip() for piece in part.rpartition(":"))
            if not colon or not name:
                raise ModelError(
                    f"mix of speakers {text!r}: {part.strip()!r} is not NAME:WEIGHT; "
                    "write it as ada:0.7,grace:0.3"
                )
            if name in weights:
                raise ModelError(f"mix of speakers {text!r}: {name!r} is named twice")
            weights[name] = read_weight(number, f"mix of speakers {text!r}")
        return cls(weights)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Everybody named, weight 0 included."""
        return tuple(self.weights)

    @property
    def shares(self) -> dict[str, float]:
        """Speaker to share of the whole, those with none left out; they add up to 1."""
        total = sum(self.weights.values())
        return {name: weight / total for name, weight in self.weights.items() if weight}

    def __str__(self) -> str:
        return ",".join(f"{name}:{share:.4g}" for name, share in self.shares.items())


def read_weight(text: str, place: str) -> float:
    """The number that a text holds.

    Raises:
        ModelError: it holds none; begins with `place`.
    """
    try:
        return float(text)
    except ValueError:
        raise ModelError(f"{place}: {text!r} is not a number") from None


def check_weight(weight: float, place: str) -> None:
    """Make sure that a weight can be one.

    Raises:
        ModelError: it is negative, infinite or not a number; begins with `place`.
    """
    if not (math.isfinite(weight) and weight >= 0):
        raise ModelError(f"{place} has the weight {weight:g}; weights are 0 or more")
