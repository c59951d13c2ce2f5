"""How many words a conversion loses: each recording whose words are known, into each speaker.

    python -m base_voice.words VOICE FOLDER OUT --targets willow,flint --whisper FOLDER

FOLDER is that of `lay_out`; recordings of `held-out/<speaker>/` count that have their words beside
them, as `.txt`. OUT gets the conversions, a page for each speaker and one for the sources, and a
line in `words.jsonl`: the word error rate of conversions and of sources, and how far the one is
above the other, with 95 % intervals that draw whole recordings anew.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from base_voice.score import convert, scoring_arguments, sources
from ezrvc_eval import (
    EvaluationConfig,
    EvaluationItem,
    Interval,
    Score,
    confidence_interval,
    paired_difference,
    score,
    write_report,
)
from ezrvc_model.voice import VoiceModel


def words_lost(
    sources_heard: Mapping[str, Score], conversions_heard: Sequence[Mapping[str, Score]]
) -> dict[str, Interval]:
    """Word error rates by recording, taken together.

    Args:
        sources_heard: of each recording.
        conversions_heard: of its conversion, one mapping a target; all of the same recordings.

    Returns:
        `source_wer`, `wer` (the mean over targets) and `added_wer`, the second minus the first.

    Raises:
        ValueError: there are none, or a recording is missing somewhere.
    """
    for heard in conversions_heard:
        if heard.keys() != sources_heard.keys():
            raise ValueError("not every recording was converted into every target")
    before = list(sources_heard.values())
    after = [
        Score(statistics.fmean(heard[name].value for heard in conversions_heard), known.weight)
        for name, known in sources_heard.items()
    ]
    return {
        "source_wer": confidence_interval(before),
        "wer": confidence_interval(after),
        "added_wer": paired_difference(before, after),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, let Whisper write down what it hears, and count."""
    parser = scoring_arguments(__doc__)
    parser.add_argument("--whisper", required=True, help="a size, or a folder")
    chosen = parser.parse_args(argv)
    voice = VoiceModel.load(chosen.voice)
    picked = [
        source
        for source in sources(chosen.folder, chosen.per_speaker)
        if source.with_suffix(".txt").exists()
    ]
    config = EvaluationConfig(metrics=("wer",), whisper=chosen.whisper)
    heard = []
    for target in chosen.targets.split(","):
        items = convert(voice, picked, chosen.out / target, {target: ()}, chosen.device)
        named = [replace(item, name=_name_of(s)) for s, item in zip(picked, items, strict=True)]
        if not heard:
            spoken = [replace(item, converted=s) for s, item in zip(picked, named, strict=True)]
            heard.append(_heard(spoken, config, chosen.out / "sources"))
        heard.append(_heard(named, config, chosen.out / target))
    lost = words_lost(heard[0], heard[1:])
    row: dict[str, Any] = {"steps": voice.card.training.steps, "n": len(picked)}
    row |= {name: [round(v, 4) for v in (i.value, i.low, i.high)] for name, i in lost.items()}
    print(json.dumps(row))
    with (chosen.out / "words.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _name_of(source: Path) -> str:
    """Of a recording, among those of all speakers."""
    return f"{source.parent.name}_{source.stem}"


def _heard(
    items: Sequence[EvaluationItem], config: EvaluationConfig, out: Path
) -> dict[str, Score]:
    evaluation = score(items, config)
    write_report(out, evaluation)
    return evaluation.scores_of("wer")


if __name__ == "__main__":
    main()
