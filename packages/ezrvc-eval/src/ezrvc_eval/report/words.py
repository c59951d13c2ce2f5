"""What was heard beside what was said, word by word."""

from typing import Literal

import jiwer

from ezrvc_eval.metrics.text import normalise

Kind = Literal["right", "wrong", "missing"]


def compare_words(said: str, heard: str) -> list[tuple[str, Kind]]:
    """The words that were heard, and in their places those that were said and not heard.

    Both texts are normalised as for WER, and aligned as WER counts.

    Returns:
        Words, each right, wrong (another one, or one too many) or missing.
    """
    expected, found = normalise(said).split(), normalise(heard).split()
    if not expected:
        return [(word, "wrong") for word in found]
    aligned = jiwer.process_words(" ".join(expected), " ".join(found)).alignments[0]
    words: list[tuple[str, Kind]] = []
    for chunk in aligned:
        if chunk.type == "delete":
            kind: Kind = "missing"
            these = expected[chunk.ref_start_idx : chunk.ref_end_idx]
        else:
            kind = "right" if chunk.type == "equal" else "wrong"
            these = found[chunk.hyp_start_idx : chunk.hyp_end_idx]
        words.extend((word, kind) for word in these)
    return words
