"""By how much a recording is transposed so that it lies where the target speaker is used to."""

import math
from collections.abc import Mapping
from typing import Final

from ezrvc_model.conversion.speaker_curve import SpeakerCurve
from ezrvc_model.conversion.speaker_mix import SpeakerMix
from ezrvc_model.conversion.speaker_track import Speaker
from ezrvc_model.errors import ModelError
from ezrvc_model.voice_card import F0Range

AUTOMATIC: Final = "auto"
"""In place of a number of semitones."""


def key_shift(median_hz: float, target_hz: float) -> int:
    """Whole semitones that bring one pitch nearest to another."""
    return round(12 * math.log2(target_hz / median_hz))


def automatic_shift(
    median_hz: float | None,
    speaker: Speaker,
    ranges: Mapping[str, F0Range],
) -> int:
    """The shift that brings a recording's median pitch to that of the target's training.

    A mix of speakers has the geometric mean of their medians.

    Args:
        median_hz: of the recording; None: nothing is voiced, so nothing is to be moved.
        speaker: who is to speak.
        ranges: the trained ranges that are known.

    Raises:
        ModelError: the voice does not say how high its speaker speaks.
    """
    if isinstance(speaker, SpeakerCurve):
        raise ModelError("pitch auto: a mix that changes has no pitch of its own; give semitones")
    weights = speaker.weights if isinstance(speaker, SpeakerMix) else {speaker: 1.0}
    unknown = [name for name, weight in weights.items() if weight and name not in ranges]
    if unknown:
        raise ModelError(
            f"pitch auto: the voice's card does not say how high {', '.join(unknown)} speaks; "
            "give semitones"
        )
    if median_hz is None:
        return 0
    total = sum(weights.values())
    logs = (w * math.log(ranges[name].median_hz) for name, w in weights.items() if w)
    return key_shift(median_hz, math.exp(sum(logs) / total))
