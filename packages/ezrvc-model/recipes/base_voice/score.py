"""Score a voice on speakers that it was not trained on: each into one of its own speakers.

    python -m base_voice.score VOICE FOLDER OUT --targets anna,ben [--whisper FOLDER]

FOLDER is that of `lay_out`; OUT gets the conversions, `report.html`, and a line in `scores.jsonl`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ezrvc_audio.reading import probe
from ezrvc_eval import (
    CONVERSION_METRICS,
    EvaluationConfig,
    EvaluationItem,
    recordings_in,
    score,
    write_report,
)
from ezrvc_model.conversion import ConversionSettings, VoiceConverter
from ezrvc_model.voice import VoiceModel

SHORTEST_S, LONGEST_S = 3.0, 12.0
"""Of a source that is scored."""
N_TARGET_RECORDINGS = 8


def sources(folder: Path) -> list[Path]:
    """One recording of each speaker held out: the first of a sensible length."""
    chosen = []
    for speaker in sorted(path for path in (folder / "held-out").iterdir() if path.is_dir()):
        for recording in recordings_in(speaker):
            if SHORTEST_S <= probe(recording).duration_s <= LONGEST_S:
                chosen.append(recording)
                break
    return chosen


def convert(
    voice: VoiceModel, folder: Path, out: Path, targets: Sequence[str], device: str
) -> list[EvaluationItem]:
    """Convert every source into one of the targets, in turn, in its own key."""
    converter = VoiceConverter(voice, device=device)
    settings = ConversionSettings(transpose_semitones="auto")
    items = []
    for index, source in enumerate(sources(folder)):
        target = targets[index % len(targets)]
        result = out / "converted" / f"{source.parent.name}_{target}.wav"
        result.parent.mkdir(parents=True, exist_ok=True)
        report = converter.convert_file(source, result, target, settings)
        words = source.with_suffix(".txt")
        items.append(
            EvaluationItem(
                name=result.stem,
                converted=result,
                reference=source,
                text=words.read_text(encoding="utf-8") if words.exists() else None,
                target=tuple(recordings_in(folder / "data/raw" / target)[:N_TARGET_RECORDINGS]),
                transpose_semitones=report.transpose_semitones,
            )
        )
    return items


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, score, and write down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("voice", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--targets", required=True, help="speakers of the voice, with commas")
    parser.add_argument("--whisper", help="a size, or a folder; none: words are not scored")
    parser.add_argument("--device", default="auto")
    chosen = parser.parse_args(argv)
    voice = VoiceModel.load(chosen.voice)
    items = convert(voice, chosen.folder, chosen.out, chosen.targets.split(","), chosen.device)
    metrics = CONVERSION_METRICS if chosen.whisper is None else ("wer", *CONVERSION_METRICS)
    config = EvaluationConfig(metrics=metrics)
    if chosen.whisper is not None:
        config = config.model_copy(update={"whisper": chosen.whisper})
    evaluation = score(items, config)
    write_report(chosen.out, evaluation)
    row: dict[str, Any] = {"steps": voice.card.training.steps}
    for name, interval in evaluation.summary.items():
        row[name] = [round(v, 4) for v in (interval.value, interval.low, interval.high)]
    row |= {"n": len(items), "skipped": evaluation.skipped}
    print(json.dumps(row))
    with (chosen.out / "scores.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
