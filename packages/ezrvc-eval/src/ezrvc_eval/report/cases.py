"""Which recordings the report shows, and what it shows of them."""

import base64
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading import read
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_eval.evaluation import Evaluation, TakeResult
from ezrvc_eval.metric import Metric
from ezrvc_eval.report.pictures import page_picture
from ezrvc_eval.report.words import Kind, compare_words
from ezrvc_features.f0.base import F0Estimator

_LONGEST_S = 15.0
_RANKED = (
    *("wer", "speaker_similarity", "f0_rmse", "f0_correlation", "dnsmos_overall", "clicks"),
    *("mcd", "cer", "utmos", "clipped"),
)
"""Metrics by which a recording may be among the worst."""


@dataclass(frozen=True)
class CasePicture:
    """A picture of the page, and where in it time runs.

    Attributes:
        address: data URI.
        left: where 0 s is, as a share of the width.
        right: where the end is.
        seconds: from left to right.
    """

    address: str
    left: float
    right: float
    seconds: float


@dataclass(frozen=True)
class Case:
    """One recording as the page shows it.

    Attributes:
        take: what was found of it.
        worst_in: metrics in which no other recording is as bad.
        sounds: caption and data URI.
        texts: caption and words, each with what is wrong with it.
        notes: why it lacks what other recordings have.
        picture: None when the recording is gone.
    """

    take: TakeResult
    worst_in: tuple[Metric, ...]
    sounds: tuple[tuple[str, str], ...]
    texts: tuple[tuple[str, list[tuple[str, Kind]]], ...]
    notes: tuple[str, ...]
    picture: CasePicture | None


def worst_takes(
    evaluation: Evaluation, how_many: int
) -> list[tuple[TakeResult, tuple[Metric, ...]]]:
    """The recordings that rank lowest, mean of their ranks over the metrics.

    Returns:
        Each with the metrics in which it is worst of all.
    """
    ranks: dict[str, list[float]] = {take.name: [] for take in evaluation.takes}
    reasons: dict[str, list[Metric]] = {take.name: [] for take in evaluation.takes}
    for metric in evaluation.metrics:
        if metric.name not in _RANKED:
            continue
        shares = badness(evaluation, metric)
        for name, share in shares.items():
            ranks[name].append(share)
        if shares:
            reasons[max(shares, key=lambda name: shares[name])].append(metric)
    means = {name: sum(each) / len(each) if each else 0.0 for name, each in ranks.items()}
    order = sorted(evaluation.takes, key=lambda take: -means[take.name])
    return [(take, tuple(reasons[take.name])) for take in order[:how_many]]


def badness(evaluation: Evaluation, metric: Metric) -> dict[str, float]:
    """Of each recording the share of the others that are better, where any differ."""
    scores = evaluation.scores_of(metric.name)
    values = {name: score.value for name, score in scores.items()}
    if len(set(values.values())) < 2:
        return {}
    return {
        name: sum(metric.better(other, value) for other in values.values()) / (len(values) - 1)
        for name, value in values.items()
    }


def build_cases(evaluation: Evaluation, how_many: int, estimator: F0Estimator | None) -> list[Case]:
    """Sounds and pictures of the worst recordings; of each at most its first 15 s."""
    measured = evaluation.metrics
    return [
        _case(
            take,
            worst_in,
            tuple(note for note in take.notes if any(m.named_in(note) for m in measured)),
            estimator,
        )
        for take, worst_in in worst_takes(evaluation, how_many)
    ]


def shown_values(take: TakeResult, metrics: Sequence[Metric]) -> list[tuple[Metric, float]]:
    """The scores of a recording in the order of the metrics."""
    return [(m, take.scores[m.name].value) for m in metrics if m.name in take.scores]


def _case(
    take: TakeResult,
    worst_in: tuple[Metric, ...],
    notes: tuple[str, ...],
    estimator: F0Estimator | None,
) -> Case:
    texts = _texts(take)
    try:
        converted = _beginning(take.converted)
        reference = None if take.reference is None else _beginning(take.reference)
    except AudioError:  # moved since it was measured: the numbers stay
        return Case(take, worst_in, (), texts, notes, None)
    sounds = [("recording", _inline_sound(converted))]
    if reference is not None:
        sounds.insert(0, ("reference", _inline_sound(reference)))
    drawn = page_picture(reference, converted, estimator)
    picture = CasePicture(inline(drawn.image, "image/webp"), *drawn.edges, drawn.seconds)
    return Case(take, worst_in, tuple(sounds), texts, notes, picture)


def _texts(take: TakeResult) -> tuple[tuple[str, list[tuple[str, Kind]]], ...]:
    """What was said as it is written, what was heard as it compares."""
    said = next((text for name, text in take.texts.items() if name != "heard"), "")
    shown: list[tuple[str, list[tuple[str, Kind]]]] = []
    for name, text in take.texts.items():
        plain: list[tuple[str, Kind]] = [(word, "right") for word in text.split()]
        shown.append((name, compare_words(said, text) if name == "heard" else plain))
    return tuple(shown)


def inline(content: bytes, media_type: str) -> str:
    """Bytes as a data URI."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _beginning(path: Path) -> Waveform:
    waveform = read(path, mono=True)
    return waveform.cut(0, min(waveform.n_samples, round(_LONGEST_S * waveform.sample_rate)))


def _inline_sound(waveform: Waveform) -> str:
    """As MP3, which every browser plays."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.mp3"
        write(path, waveform)
        return inline(path.read_bytes(), "audio/mpeg")
