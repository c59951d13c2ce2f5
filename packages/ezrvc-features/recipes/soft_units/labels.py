"""Which phone is heard in each frame, from the durations that a speech synthesiser used."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SILENCE = "_"
IGNORED = -100
"""Label of frames that do not count: what lies between two words belongs to either."""
DURATION_UNIT_S = 0.025
"""Kokoro counts durations in 600 samples at 24 kHz."""
FRAME_S = 0.02
"""Of content."""
_PAUSES = frozenset('.,;:?!—…"“”()«»')
_BEFORE_VOWEL = frozenset("ˈˌ")
"""Stress marks: the beginning of the vowel that follows."""
_AFTER_SOUND = frozenset("ːʰʲ\u0303\u0329\u032aˑ")
"""Marks of the sound before them."""


def phone_spans(phonemes: str, frames: Sequence[int]) -> list[tuple[str | None, int]]:
    """Phones and how long each lasts, in duration units; None between words.

    Args:
        phonemes: one character a symbol.
        frames: duration of the leading silence, of each symbol, and of the trailing silence.

    Raises:
        ValueError: there are not two more durations than symbols.
    """
    if len(frames) != len(phonemes) + 2:
        raise ValueError(f"{len(frames)} durations for {len(phonemes)} symbols")
    spans: list[tuple[str | None, int]] = [(SILENCE, frames[0])]
    waiting = 0  # of a stress mark, for the sound that follows
    for symbol, duration in zip(phonemes, frames[1:-1], strict=True):
        if symbol in _BEFORE_VOWEL:
            waiting += duration
        elif symbol in _AFTER_SOUND:
            sound, before = spans.pop()
            spans.append((sound, before + duration))
        else:
            pause = symbol in _PAUSES
            spans.append((None if symbol == " " else SILENCE if pause else symbol, duration))
            if waiting and symbol != " ":
                sound, own = spans.pop()
                spans.append((sound, own + waiting))
                waiting = 0
    spans.append((SILENCE, frames[-1] + waiting))
    return spans


def frame_labels(
    spans: Iterable[tuple[str | None, int]],
    classes: Mapping[str, int],
    n_frames: int,
    unit_s: float = DURATION_UNIT_S,
) -> NDArray[np.int64]:
    """The class of the phone in the middle of each content frame of 20 ms, (n_frames,).

    Args:
        spans: phones and how long each lasts; None: counts for nothing.
        classes: number of each phone; a phone without one counts for nothing either.
        n_frames: content frames.
        unit_s: what durations are counted in.
    """
    names, durations = zip(*spans, strict=True)
    ends_s = np.cumsum(durations) * unit_s
    middles_s = (np.arange(n_frames) + 0.5) * FRAME_S
    index = np.minimum(np.searchsorted(ends_s, middles_s, side="right"), len(names) - 1)
    numbers = np.array([classes.get(name, IGNORED) if name else IGNORED for name in names])
    return numbers[index]
