"""What a user may want to know about pairing this source with this voice."""

import math
from collections.abc import Mapping

from ezrvc_model.conversion.key import key_shift
from ezrvc_model.voice_card import F0Range

_FAR_SEMITONES = 3.0
"""How far outside the trained range a median must lie to be worth a word."""


def f0_advice(
    median_hz: float | None, speaker: str, ranges: Mapping[str, F0Range]
) -> tuple[str, ...]:
    """Say so when the pitch asked for lies far outside what the speaker was trained on.

    Args:
        median_hz: of the transposed source; None: nothing is voiced.
        speaker: who is to speak.
        ranges: the trained ranges that are known.

    Returns:
        One line, or none.
    """
    trained = ranges.get(speaker)
    if median_hz is None or trained is None:
        return ()
    above = 12 * math.log2(median_hz / trained.high_hz)
    below = 12 * math.log2(trained.low_hz / median_hz)
    if max(above, below) < _FAR_SEMITONES:
        return ()
    shift = key_shift(median_hz, trained.median_hz)
    return (
        f"the pitch asked for lies around {median_hz:.0f} Hz, {speaker} was trained on "
        f"{trained.low_hz:.0f} to {trained.high_hz:.0f} Hz: try {shift:+d} semitones more",
    )


def encoder_advice(trained_with: str | None, at_hand: str) -> tuple[str, ...]:
    """Say so when the content encoder has changed since the voice was trained."""
    if trained_with is None or trained_with == at_hand:
        return ()
    return (
        f"the voice was trained with version {trained_with!r} of its content encoder, at hand is "
        f"{at_hand!r}: it may sound wrong",
    )
