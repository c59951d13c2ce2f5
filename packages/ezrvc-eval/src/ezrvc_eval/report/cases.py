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
from ezrvc_eval.report.pictures import case_picture
from ezrvc_features.f0.base import F0Estimator

_LONGEST_S = 15.0
_RANKED = (
    *("wer", "speaker_similarity", "f0_rmse", "f0_correlation", "dnsmos_overall", "clicks"),
    *("mcd", "cer", "utmos", "clipped"),
)
"""Metrics by which a recording may be among the worst."""


@dataclass(frozen=True)
class Case:
    """One recording as the page shows it.

    Attributes:
        take: what was found of it.
        why: by which metrics it is among the worst.
        sounds: caption and data URI.
        picture: data URI, or None when the recording is gone.
    """

    take: TakeResult
    why: str
    sounds: tuple[tuple[str, str], ...]
    picture: str | None


def worst_takes(evaluation: Evaluation, how_many: int) -> list[tuple[TakeResult, str]]:
    """The recordings that rank lowest, mean of their ranks over the metrics, each with reasons."""
    ranked = [m for m in evaluation.metrics if m.name in _RANKED]
    badness: dict[str, list[float]] = {take.name: [] for take in evaluation.takes}
    reasons: dict[str, list[str]] = {take.name: [] for take in evaluation.takes}
    for metric in ranked:
        scores = evaluation.scores_of(metric.name)
        values = {name: score.value for name, score in scores.items()}
        if len(set(values.values())) < 2:
            continue
        for name, value in values.items():
            worse = sum(metric.better(other, value) for other in values.values())
            badness[name].append(worse / (len(values) - 1))
        worst = max(values, key=lambda name: badness[name][-1])
        reasons[worst].append(metric.title)
    means = {name: sum(each) / len(each) if each else 0.0 for name, each in badness.items()}
    order = sorted(evaluation.takes, key=lambda take: -means[take.name])
    return [
        (take, f"worst in {', '.join(reasons[take.name])}" if reasons[take.name] else "")
        for take in order[:how_many]
    ]


def build_cases(evaluation: Evaluation, how_many: int, estimator: F0Estimator | None) -> list[Case]:
    """Sounds and pictures of the worst recordings; of each at most its first 15 s."""
    return [_case(take, why, estimator) for take, why in worst_takes(evaluation, how_many)]


def shown_values(take: TakeResult, metrics: Sequence[Metric]) -> list[tuple[Metric, float]]:
    """The scores of a recording in the order of the metrics."""
    return [(m, take.scores[m.name].value) for m in metrics if m.name in take.scores]


def _case(take: TakeResult, why: str, estimator: F0Estimator | None) -> Case:
    try:
        converted = _beginning(take.converted)
        reference = None if take.reference is None else _beginning(take.reference)
    except AudioError:
        return Case(take, why, (), None)  # moved since it was measured: the numbers stay
    sounds = [("recording", _inline_sound(converted))]
    if reference is not None:
        sounds.insert(0, ("reference", _inline_sound(reference)))
    picture = inline(case_picture(reference, converted, estimator), "image/png")
    return Case(take, why, tuple(sounds), picture)


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
