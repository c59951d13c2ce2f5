"""Score a voice on speakers that it was not trained on: each into one of its own speakers.

    python -m base_voice.score VOICE FOLDER OUT --targets anna,ben [--whisper FOLDER]

FOLDER is that of `lay_out`: `held-out/<speaker>/` are the sources, `data/raw/<speaker>/` recordings
of the targets; `willow=anna` is the voice's speaker willow, whose recordings are anna's. OUT gets
the conversions, `report.html`, and a line in `scores.jsonl`. With `--whisper` the words of the
sources are scored as well, as `source_wer`.
"""

import argparse
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ezrvc_audio.reading import probe
from ezrvc_eval import (
    CONVERSION_METRICS,
    EvaluationConfig,
    EvaluationItem,
    Interval,
    Timing,
    recordings_in,
    score,
    write_report,
)
from ezrvc_model.conversion import ConversionSettings, VoiceConverter
from ezrvc_model.voice import VoiceModel

SHORTEST_S, LONGEST_S = 3.0, 20.0
"""Of a source that is scored."""
N_TARGET_RECORDINGS = 8


def sources(folder: Path, per_speaker: int = 1) -> list[Path]:
    """Recordings of each speaker held out: the first ones of a sensible length."""
    chosen = []
    for speaker in sorted(path for path in (folder / "held-out").iterdir() if path.is_dir()):
        lengths = ((each, probe(each).duration_s) for each in recordings_in(speaker))
        sensible = (each for each, seconds in lengths if SHORTEST_S <= seconds <= LONGEST_S)
        chosen += itertools.islice(sensible, per_speaker)
    return chosen


def convert(
    voice: VoiceModel,
    chosen: Sequence[Path],
    out: Path,
    targets: Mapping[str, Sequence[Path]],
    device: str,
) -> list[EvaluationItem]:
    """Convert every source into one of the targets, in turn, in its key."""
    converter = VoiceConverter(voice, device=device)
    settings = ConversionSettings(transpose_semitones="auto")
    items = []
    for source, target in zip(chosen, itertools.cycle(targets), strict=False):
        result = out / "converted" / f"{source.parent.name}_{source.stem}_{target}.wav"
        result.parent.mkdir(parents=True, exist_ok=True)
        report = converter.convert_file(source, result, target, settings)
        words = source.with_suffix(".txt")
        items.append(
            EvaluationItem(
                name=result.stem,
                converted=result,
                reference=source,
                text=words.read_text(encoding="utf-8") if words.exists() else None,
                target=tuple(targets[target]),
                transpose_semitones=report.transpose_semitones,
                timing=Timing(elapsed_s=report.elapsed_s),
            )
        )
    return items


def summary(items: Sequence[EvaluationItem], out: Path, whisper: str | None) -> dict[str, Any]:
    """Score conversions, write the page, and give each metric with its 95 % interval."""
    config = EvaluationConfig(metrics=(*CONVERSION_METRICS, "real_time_factor"))
    if whisper is not None:
        config = EvaluationConfig(metrics=("wer", *config.metrics), whisper=whisper)
    evaluation = score(items, config)
    write_report(out, evaluation)
    found = {name: _rounded(interval) for name, interval in evaluation.summary.items()}
    if whisper is not None:
        spoken = [replace(item, converted=item.reference) for item in items if item.reference]
        heard = score(spoken, EvaluationConfig(metrics=("wer",), whisper=whisper))
        found |= {f"source_{name}": _rounded(each) for name, each in heard.summary.items()}
    return {**found, "n": len(items), "skipped": evaluation.skipped}


def _rounded(interval: Interval) -> list[float]:
    return [round(value, 4) for value in (interval.value, interval.low, interval.high)]


def scoring_arguments(about: str | None) -> argparse.ArgumentParser:
    """The command line of whatever converts who is kept apart; the first line says what it does."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("voice", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--targets", required=True, help="speakers of the voice, with commas")
    parser.add_argument("--per-speaker", type=int, default=1, help="sources of each speaker")
    parser.add_argument("--device", default="auto")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, score, and write down."""
    parser = scoring_arguments(__doc__)
    parser.add_argument("--whisper", help="a size, or a folder; none: words are not scored")
    chosen = parser.parse_args(argv)
    voice = VoiceModel.load(chosen.voice)
    targets = {}
    for asked in chosen.targets.split(","):
        speaker, _, folder = asked.partition("=")
        recordings = recordings_in(chosen.folder / "data/raw" / (folder or speaker))
        targets[speaker] = recordings[:N_TARGET_RECORDINGS]
    picked = sources(chosen.folder, chosen.per_speaker)
    items = convert(voice, picked, chosen.out, targets, chosen.device)
    row = {"steps": voice.card.training.steps, **summary(items, chosen.out, chosen.whisper)}
    print(json.dumps(row))
    with (chosen.out / "scores.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
