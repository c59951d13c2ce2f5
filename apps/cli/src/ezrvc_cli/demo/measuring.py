"""What the demo's conversions are like, by the metrics of ezrvc-eval."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ezrvc_cli.demo.conversions import Conversion
from ezrvc_device.progress import Progress, silent
from ezrvc_eval import Evaluation, EvaluationConfig, EvaluationItem, Scorer, Timing
from ezrvc_eval.metrics.whisper import whisper_at_hand
from ezrvc_features.speaker import speaker_encoder_at_hand

SPEAKER = ("speaker_similarity", "source_similarity", "nearer_target")
_SOUND = ("f0_correlation", "dnsmos_overall", "clicks", "real_time_factor")
_WORDS = "wer"
_NO_WORDS = (
    "Words were not scored: no speech recogniser is here; `ezrvc demo --whisper base` fetches one, "
    "and `--whisper FOLDER` takes one that you have."
)
_NO_SPEAKERS = (
    "Whose voice it is was not scored: the weights of the speaker encoder (17 MB) are not here; "
    "`ezrvc evaluate` fetches them, and the demo scores it from then on."
)


@dataclass(frozen=True)
class Measured:
    """What was found.

    Attributes:
        built_in: of the built-in voices, each conversion held against its source and against the
            same speaker's conversions of the other sources.
        learnt: of the voice that was learnt, held against its source and its own recordings.
        sources: of the sources themselves, each held against the others: different voices.
        own: of one recording of the learnt voice, held against the rest of them: one voice.
        not_measured: a sentence for each thing that could not be.
    """

    built_in: Evaluation
    learnt: Evaluation
    sources: Evaluation
    own: Evaluation
    not_measured: tuple[str, ...]


def measure(
    built_in: Sequence[Conversion],
    learnt: Sequence[Conversion],
    own: Sequence[Path],
    *,
    whisper: str | None = None,
    device: str | None = None,
    progress: Progress = silent,
) -> Measured:
    """Score every conversion; fetches nothing that was not asked for.

    Args:
        built_in: conversions into voices whose recordings are not here.
        learnt: conversions into the voice of `own`.
        own: recordings of the voice that was learnt.
        whisper: that hears the words, see `EvaluationConfig`; None: `base`, if it is here.
        device: where networks run.
        progress: is told how many are done.

    Raises:
        EvalError: there is no such recogniser.
    """
    config, not_measured = choose_metrics(whisper)
    scorer = Scorer(config, device=device or "auto", progress=progress)
    sources = tuple(dict.fromkeys(conversion.source for conversion in built_in))
    missing = tuple(f"{family} was not scored: {line}" for family, line in scorer.missing.items())
    return Measured(
        scorer.score(against_each_other(built_in), title="built-in", progress=progress),
        scorer.score(against_its_own(learnt, own), title="learnt", progress=progress),
        scorer.score(unconverted(sources), title="sources", progress=progress),
        scorer.score(unconverted(own)[:1], title="own recordings", progress=progress),
        (*not_measured, *missing),
    )


def choose_metrics(whisper: str | None) -> tuple[EvaluationConfig, tuple[str, ...]]:
    """What can be measured without fetching, and a sentence for each thing that cannot.

    Args:
        whisper: a recogniser that was asked for, fetched if need be; None: none was.
    """
    metrics, left_out = _SOUND, ()
    if speaker_encoder_at_hand():
        metrics = (*SPEAKER, *metrics)
    else:
        left_out = (*left_out, _NO_SPEAKERS)
    config = EvaluationConfig(language="en")
    if whisper is not None:
        config = config.model_copy(update={"whisper": whisper})
    if whisper is not None or whisper_at_hand(config.whisper):
        metrics = (_WORDS, *metrics)
    else:
        left_out = (*left_out, _NO_WORDS)
    return config.model_copy(update={"metrics": metrics}), left_out


def against_each_other(conversions: Sequence[Conversion]) -> list[EvaluationItem]:
    """Conversions into a speaker, held against that speaker's other conversions."""
    return [
        _item(
            each,
            tuple(
                other.result
                for other in conversions
                if other.speaker == each.speaker and other.source != each.source
            ),
        )
        for each in conversions
    ]


def against_its_own(conversions: Sequence[Conversion], own: Sequence[Path]) -> list[EvaluationItem]:
    """Conversions held against recordings of the voice."""
    return [_item(each, tuple(own)) for each in conversions]


def unconverted(recordings: Sequence[Path]) -> list[EvaluationItem]:
    """Recordings as they are, each held against all the others: what the scores are worth."""
    return [
        EvaluationItem(
            name=recording.stem,
            converted=recording,
            target=tuple(other for other in recordings if other != recording),
        )
        for recording in recordings
    ]


def _item(conversion: Conversion, target: tuple[Path, ...]) -> EvaluationItem:
    return EvaluationItem(
        name=conversion.result.stem,
        converted=conversion.result,
        reference=conversion.source,
        target=target,
        transpose_semitones=conversion.transpose_semitones,
        timing=Timing(elapsed_s=conversion.elapsed_s),
    )
