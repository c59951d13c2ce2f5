"""What may be said of the demo's voices, by what was measured."""

from collections.abc import Sequence

from ezrvc_cli.demo.measuring import Measured
from ezrvc_eval import Evaluation

_FOLLOWS_PITCH = 0.8
"""Correlation from which the pitch of a conversion counts as following that of its source."""


def notice(measured: Measured, *, speaker: str, steps: int, minutes: float) -> str:
    """What a listener has to know; says nothing good that was not measured.

    Args:
        measured: the scores.
        speaker: whose voice was learnt.
        steps: of training.
        minutes: of recordings.
    """
    built_in, learnt = measured.built_in, measured.learnt
    sentences = [
        f"The voice of {speaker} is hardly trained: it had {steps} "
        f"step{'s' * (steps != 1)} from the built-in voice on, with {minutes:.1f} minutes of "
        "recordings, and shows how a voice is learnt, not how one sounds in the end",
        how_near_learnt(
            values(learnt, "nearer_target"), similarities(learnt), speaker=speaker
        ),
        how_alike_built_in(similarities(built_in), similarities(measured.sources)),
        who_follows_pitch(
            [*values(built_in, "f0_correlation"), *values(learnt, "f0_correlation")],
            len(built_in.takes) + len(learnt.takes),
        ),
        *(sentence.rstrip(".") for sentence in measured.not_measured),
    ]  # fmt: skip
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def how_alike_built_in(made: Sequence[float], sources: Sequence[float]) -> str:
    """Whether a built-in voice makes one voice of different ones.

    Args:
        made: similarity of each conversion to the same speaker's conversions of other sources.
        sources: similarity of the sources to one another.
    """
    if not made or not sources:
        return ""
    lowest, most = min(made), max(sources)
    if lowest > most:
        return (
            f"The built-in voices bring different speakers together: the sources are {most:.2f} "
            f"alike, what a built-in voice makes of them {lowest:.2f} or more"
        )
    return (
        f"The built-in voices do not bring the speakers together every time: the sources are "
        f"{most:.2f} alike, what a built-in voice makes of them {lowest:.2f} at the least"
    )


def how_near_learnt(nearer: Sequence[float], alike: Sequence[float], *, speaker: str) -> str:
    """Whether the voice that was learnt is the one that is heard.

    Args:
        nearer: of each conversion, 1 where it is more like the voice than like its source.
        alike: its similarity to the voice.
        speaker: whose voice it is.
    """
    if not nearer:
        return ""
    how_alike = f"(similarity {', '.join(f'{each:.2f}' for each in alike)})"
    n_nearer = round(sum(nearer))
    if n_nearer == len(nearer):
        return f"Its conversions are nearer to {speaker} than to their sources {how_alike}"
    if not n_nearer:
        return f"None of its conversions is nearer to {speaker} than to its source {how_alike}"
    return (
        f"{n_nearer} of its {len(nearer)} conversions {'is' if n_nearer == 1 else 'are'} nearer to "
        f"{speaker} than to the source {how_alike}"
    )


def who_follows_pitch(correlations: Sequence[float], n_conversions: int) -> str:
    """How many conversions follow their source's pitch; one that has none does not."""
    follow = sum(each >= _FOLLOWS_PITCH for each in correlations)
    if follow == n_conversions:
        return "All conversions follow their source's pitch"
    if not follow:
        return "No conversion follows its source's pitch"
    return f"{follow} of {n_conversions} conversions follow their source's pitch"


def values(evaluation: Evaluation, metric: str) -> list[float]:
    """The scores of one metric, of the recordings that have it."""
    return [score.value for score in evaluation.scores_of(metric).values()]


def similarities(evaluation: Evaluation) -> list[float]:
    """How like its target each recording is."""
    return values(evaluation, "speaker_similarity")
