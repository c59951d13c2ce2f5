"""From recordings, or a voice and a test list, to a report of how good they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ezrvc_audio.errors import AudioError
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.splitting import read_file_list
from ezrvc_cli.pipeline.convert import choose_target
from ezrvc_device.configuration import merge, parse_overrides
from ezrvc_device.progress import Progress, silent
from ezrvc_device.storage import Storage
from ezrvc_eval import (
    Comparison,
    EvalError,
    Evaluation,
    EvaluationConfig,
    EvaluationItem,
    Requirement,
    Scorer,
    SpeedProbe,
    compare,
    items_of_folder,
    read_test_list,
    read_texts,
    recordings_in,
    unmet,
    write_report,
)
from ezrvc_eval.metrics.registry import chosen_metrics
from ezrvc_model.conversion import ConversionSettings, VoiceConverter
from ezrvc_model.voice import VoiceModel

_MOST_TARGETS = 20
"""So many recordings tell a voice well enough."""


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest:
    """What is to be evaluated: `converted`, or `voice` and `test_list`.

    Attributes:
        converted: folder of conversions.
        reference: folder of what they were made from.
        voice: name or folder of a voice that converts the test list first.
        speaker: of the voice.
        test_list: CSV of recordings and their words.
        transpose_semitones: how much higher conversions are than their references.
        targets: recordings, or folders of them, of the voice that should be heard.
        texts: CSV of what is said in the recordings of the folders.
        against: report or folder of another run.
        requirements: what must hold.
        output: folder of the report; conversions go to `converted` in it.
    """

    converted: Path | None = None
    reference: Path | None = None
    voice: str | None = None
    speaker: str | None = None
    test_list: Path | None = None
    transpose_semitones: float = 0.0
    targets: tuple[Path, ...] = ()
    texts: Path | None = None
    against: Path | None = None
    requirements: tuple[Requirement, ...] = ()
    output: Path = Path("evaluation")


@dataclass(frozen=True)
class Outcome:
    """What an evaluation left.

    Attributes:
        evaluation: the numbers.
        comparison: with another run, if one was given.
        unmet: a line for each requirement that is not met.
        page: report.html.
        data: report.json.
    """

    evaluation: Evaluation
    comparison: Comparison | None
    unmet: tuple[str, ...]
    page: Path
    data: Path


def evaluation_configuration(
    assignments: Sequence[str],
    *,
    metrics: str | None = None,
    whisper: str | None = None,
    language: str | None = None,
) -> EvaluationConfig:
    """The defaults, then `--set`, then the command's own options.

    Raises:
        ConfigurationError: an unknown key or a value that is not allowed.
        EvalError: no such metric.
    """
    overrides = parse_overrides(assignments)
    options: dict[str, object] = {"whisper": whisper, "language": language}
    if metrics is not None:
        options["metrics"] = [name.strip() for name in metrics.split(",") if name.strip()]
    given = {name: value for name, value in options.items() if value is not None}
    tree = merge(overrides.get("evaluate", overrides), given)
    config = EvaluationConfig.from_tree(tree, source="--set")
    chosen_metrics(config.metrics)
    return config


def evaluate(
    storage: Storage,
    request: EvaluationRequest,
    config: EvaluationConfig,
    *,
    device: str = "auto",
    progress: Progress = silent,
) -> Outcome:
    """Convert if need be, measure, compare and write the report.

    Raises:
        EvalError: nothing can be evaluated as asked.
        ModelError: no such voice, or a recording cannot be converted.
        AudioError: a recording to convert cannot be read.
        FeatureError: content or pitch cannot be computed.
        DeviceError: the device is not there.
    """
    _refuse_unmeasured(request.requirements, config)
    first = _read_against(request)  # before the long work: a wrong path shows at once
    targets = tuple(_recordings(request.targets))
    if request.voice is not None and request.test_list is not None:
        title, items = _convert(storage, request, targets, device, progress)
    else:
        assert request.converted is not None  # the command gives one or the other
        title, items = _name_of(request.converted), _items(request, request.converted, targets)
    scorer = Scorer(config, device=device, progress=progress)
    if isinstance(first, list):
        first = scorer.score(first, title=_name_of(request.against), progress=progress)
    evaluation = scorer.score(items, title=title, progress=progress)
    comparison = None if first is None else compare(first, evaluation)
    lines = tuple(unmet(request.requirements, evaluation))
    report = write_report(
        request.output,
        evaluation,
        against=first,
        comparison=comparison,
        requirements=request.requirements,
        worst_cases=config.worst_cases,
        device=device,
    )
    return Outcome(evaluation, comparison, lines, report.page, report.data)


def _refuse_unmeasured(requirements: Sequence[Requirement], config: EvaluationConfig) -> None:
    """A requirement of what is not to be measured could never be met."""
    measured = {metric.name for metric in chosen_metrics(config.metrics)}
    for requirement in requirements:
        if requirement.metric.name not in measured:
            raise EvalError(
                f"{requirement} is required, but {requirement.metric.name} is not among the "
                f"metrics to measure: {', '.join(config.metrics)}"
            )


def _convert(
    storage: Storage,
    request: EvaluationRequest,
    targets: tuple[Path, ...],
    device: str,
    progress: Progress,
) -> tuple[str, list[EvaluationItem]]:
    """Convert the test list and time it; the models are loaded before the clock starts."""
    assert request.test_list is not None
    lines = read_test_list(request.test_list)
    chosen = choose_target(storage.models, speaker=request.speaker, voice=request.voice)
    if not targets:
        targets = _held_out(storage, chosen.folder, chosen.label)
    converter = VoiceConverter(VoiceModel.load(chosen.folder), device=device)
    settings = ConversionSettings(transpose_semitones=request.transpose_semitones)
    folder = request.output / "converted"
    items: list[EvaluationItem] = []
    for done, line in enumerate(lines):
        progress("convert", done, len(lines))
        output = folder / f"{done + 1:03d}-{line.path.stem}_{chosen.label}.wav"
        if not done:  # once for nothing, so that loading is not timed
            converter.convert_file(line.path, output, chosen.speaker, settings)
        with SpeedProbe() as probe:
            converter.convert_file(line.path, output, chosen.speaker, settings, _first_sound(probe))
        items.append(
            EvaluationItem(
                name=output.name,
                converted=output,
                reference=line.path,
                text=line.text,
                target=targets,
                transpose_semitones=request.transpose_semitones,
                timing=probe.timing,
            )
        )
    progress("convert", len(lines), len(lines))
    return f"{chosen.label} of {_name_of(chosen.folder)}", items


def _first_sound(probe: SpeedProbe) -> Progress:
    """Progress of a conversion, of which only the first sound made is told to the probe."""

    def told(step: str, completed: float, total: float | None = None) -> None:
        if step == "convert" and completed > 0:
            probe.first_audio()

    return told


def _held_out(storage: Storage, voice: Path, speaker: str) -> tuple[Path, ...]:
    """The clips of the speaker that the voice was not trained on; none where they are not here."""
    run = voice.parent.name if voice.name == "voice" else voice.name
    experiment = ExperimentFolder(storage.processed / run)
    try:
        names = read_file_list(experiment.validation_list)
    except AudioError:
        return ()  # an imported voice: similarity is then skipped, and the report says so
    clips = [experiment.root / name for name in names if Path(name).parent.name == speaker]
    return tuple(clip for clip in clips if clip.is_file())[:_MOST_TARGETS]


def _read_against(request: EvaluationRequest) -> Evaluation | list[EvaluationItem] | None:
    """The other run: its report, or its recordings still to be measured."""
    against = request.against
    if against is None:
        return None
    if not against.is_dir() or (against / "report.json").is_file():
        return Evaluation.load(against)
    if request.voice is not None:
        raise EvalError(f"{against}: holds no report.json; evaluate that run first")
    return _items(request, against, tuple(_recordings(request.targets)))


def _items(
    request: EvaluationRequest, converted: Path, targets: tuple[Path, ...]
) -> list[EvaluationItem]:
    return items_of_folder(
        converted,
        reference=request.reference,
        texts=None if request.texts is None else read_texts(request.texts),
        target=targets,
        transpose_semitones=request.transpose_semitones,
    )


def _recordings(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from recordings_in(path)[:_MOST_TARGETS]
        elif path.is_file():
            yield path
        else:
            raise EvalError(f"{path}: no such file or folder")


def _name_of(path: Path | None) -> str:
    """What a folder is called; a voice by its run."""
    assert path is not None
    resolved = path.resolve()
    return resolved.parent.name if resolved.name == "voice" else resolved.name
