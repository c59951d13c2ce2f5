"""Scoring recordings: every metric of every one, models loaded once."""

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ezrvc_audio.errors import AudioError
from ezrvc_device.processors import processor_count
from ezrvc_device.progress import Progress, silent
from ezrvc_eval.bootstrap import Interval
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import EvalError
from ezrvc_eval.evaluation import Evaluation, TakeResult, summarise
from ezrvc_eval.items import EvaluationItem, Take, read_take
from ezrvc_eval.metric import Metric, Need, Score
from ezrvc_eval.metrics.registry import Meter, chosen_metrics, load_meters
from ezrvc_features.errors import FeatureError

_NEEDS: Mapping[Need, str] = {
    "reference": "a reference recording",
    "text": "the words that are said (a text, or a reference to hear them in)",
    "target": "recordings of the target voice",
    "timing": "the time that converting took; evaluate a voice with a test list",
}
_BY_REFERENCE = {"wer", "cer", "speaker_similarity"}
"""What they need a reference may stand in for."""


class Scorer:
    """Measures recordings, one after another or many at once; its models are loaded once.

    Args:
        config: what to measure.
        device: what torch networks run on, see `ezrvc_device.resolve_device`.
        progress: told how far downloads are.
        meters: by family, to use in place of those that the configuration asks for.

    Attributes:
        metrics: that it measures.
        missing: family to line, of those whose weights are not here.

    Raises:
        EvalError: the configuration names no metric, or asks for what is not there.
        DeviceError: the device is not there.
    """

    def __init__(
        self,
        config: EvaluationConfig | None = None,
        *,
        device: str = "auto",
        progress: Progress = silent,
        meters: Mapping[str, Meter] | None = None,
    ) -> None:
        self.config = config or EvaluationConfig()
        self.metrics: tuple[Metric, ...] = chosen_metrics(self.config.metrics)
        given = dict(meters or {})
        to_load = [metric for metric in self.metrics if metric.family not in given]
        loaded, self.missing = load_meters(to_load, self.config, device=device, progress=progress)
        self._meters = {**given, **loaded}

    def measure(self, take: Take) -> tuple[dict[str, Score], tuple[str, ...], dict[str, str]]:
        """Scores, notes and texts of one recording; what cannot be told of it is a note."""
        families = dict.fromkeys(metric.family for metric in self.metrics)
        meters = {family: self._meters[family] for family in families if family in self._meters}
        scores: dict[str, Score] = {}
        notes: list[str] = []
        texts: dict[str, str] = {}
        # families know nothing of each other, and most of them compute on one thread
        with ThreadPoolExecutor(min(processor_count(), len(meters)) or 1) as pool:
            answers = {name: pool.submit(meter.measure, take) for name, meter in meters.items()}
        for family, answer in answers.items():
            try:
                measured = answer.result()
            except (AudioError, FeatureError) as error:
                notes.append(f"{family}: {error}")
                continue
            scores.update(measured.scores)
            notes.extend(measured.notes)
            texts.update(measured.texts)
        wanted = {m.name: scores[m.name] for m in self.metrics if m.name in scores}
        for name, score in wanted.items():
            if not math.isfinite(score.value):
                raise EvalError(
                    f"{take.name}: {name} came out as {score.value}, which is no number"
                )
        return wanted, tuple(notes), texts

    def summarise(self, takes: Iterable[Take]) -> dict[str, Interval]:
        """Measure sounds that are in memory, one at a time, and say how they are together.

        Args:
            takes: sounds; a generator may make each when it is asked for.

        Returns:
            Value, interval and number of recordings by metric, of the metrics that any of them has.

        Raises:
            EvalError: a score came out as no number.
        """
        collected: dict[str, list[Score]] = {}
        for take in takes:
            for name, score in self.measure(take)[0].items():
                collected.setdefault(name, []).append(score)
        return summarise(collected, n_resamples=self.config.bootstrap_resamples)

    def score(
        self,
        items: Sequence[EvaluationItem],
        *,
        title: str = "evaluation",
        progress: Progress = silent,
    ) -> Evaluation:
        """Measure every recording; one that cannot be read does not stop the others.

        Args:
            items: what to evaluate.
            title: what reports call it.
            progress: told how many are done.

        Raises:
            EvalError: there are none, names repeat, or none could be read.
        """
        names = [item.name for item in items]
        if not names:
            raise EvalError("there is nothing to evaluate: no recordings were given")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise EvalError(f"two recordings are called {twice!r}: names must differ")
        takes: list[TakeResult] = []
        failures: list[tuple[str, str]] = []
        for done, item in enumerate(items):
            progress("evaluate", done, len(items))
            try:
                takes.append(self._result(item, read_take(item)))
            except AudioError as error:
                failures.append((item.name, " ".join(str(error).split())))
        progress("evaluate", len(items), len(items))
        if not takes:
            raise EvalError(f"none of {len(items)} recordings can be read: {failures[0][1]}")
        return Evaluation(
            title=title,
            takes=tuple(takes),
            skipped=self._skipped(items, takes),
            failures=tuple(failures),
            settings=self.config.to_tree(),
            n_resamples=self.config.bootstrap_resamples,
        )

    def _result(self, item: EvaluationItem, take: Take) -> TakeResult:
        scores, notes, texts = self.measure(take)
        return TakeResult(
            name=item.name,
            converted=item.converted,
            reference=item.reference,
            duration_s=take.converted.duration_s,
            scores=scores,
            notes=notes,
            texts=texts,
        )

    def _skipped(
        self, items: Sequence[EvaluationItem], takes: Sequence[TakeResult]
    ) -> dict[str, str]:
        """The metrics that were asked for and that no recording has, each with its reason."""
        skipped: dict[str, str] = {}
        for metric in self.metrics:
            if any(metric.name in take.scores for take in takes):
                continue
            lacking: list[Need] = [n for n in metric.needs if not _given(metric, n, items)]
            if metric.family in self.missing:
                skipped[metric.name] = self.missing[metric.family]
            elif lacking:
                skipped[metric.name] = f"needs {_NEEDS[lacking[0]]}"
            else:
                notes = [note for take in takes for note in take.notes if metric.named_in(note)]
                skipped[metric.name] = notes[0] if notes else "could not be told of any recording"
        return skipped


def _given(metric: Metric, need: Need, items: Sequence[EvaluationItem]) -> bool:
    """Whether any recording has what a metric needs."""
    if metric.name in _BY_REFERENCE and any(item.reference is not None for item in items):
        return True
    return any(bool(getattr(item, need)) for item in items)


def score(
    items: Sequence[EvaluationItem],
    config: EvaluationConfig | None = None,
    *,
    title: str = "evaluation",
    device: str = "auto",
    progress: Progress = silent,
) -> Evaluation:
    """Load the models and measure every recording, see `Scorer`.

    Raises:
        EvalError: nothing can be evaluated as asked.
        DeviceError: the device is not there.
    """
    return Scorer(config, device=device, progress=progress).score(
        items, title=title, progress=progress
    )
