"""The demo's two chapters: the voices that are there, and the one that was learnt."""

from collections.abc import Sequence
from pathlib import Path

from ezrvc_audio.reading import probe, read
from ezrvc_cli.demo.conversions import Conversion
from ezrvc_cli.demo.figures import conversion_figure, save_figure
from ezrvc_cli.demo.measuring import Measured
from ezrvc_cli.demo.page import Chapter, ConversionEntry, score_table
from ezrvc_features.f0.base import F0Estimator

_BOTH = {
    "f0_correlation": "pitch correlation",
    "dnsmos_overall": "DNSMOS",
    "wer": "word error rate",
    "clicks": "clicks a minute",
    "real_time_factor": "real-time factor",
}


def built_in_chapter(
    measured: Measured, conversions: Sequence[Conversion], entries: Sequence[ConversionEntry]
) -> Chapter:
    """What the built-in voices make of the sources."""
    headings = {
        "speaker_similarity": "similar to its other conversion",
        "source_similarity": "similar to the source",
        **_BOTH,
    }
    return Chapter(
        title="Built-in voices",
        lead="These ship with ezrvc and speak at once. Their own recordings do not ship: that "
        "a voice is one voice shows in how alike its conversions of different people are.",
        scores=score_table(
            measured.built_in,
            headings,
            [title_of(each) for each in conversions],
            [("the sources, to each other", measured.sources)],
        ),
        conversions=entries,
    )


def learnt_chapter(
    measured: Measured,
    conversions: Sequence[Conversion],
    entries: Sequence[ConversionEntry],
    *,
    target: Path,
    training_picture: Path,
) -> Chapter:
    """What the voice that was learnt makes of the sources."""
    name = conversions[0].speaker
    headings = {
        "speaker_similarity": f"similar to {name}",
        "source_similarity": "similar to the source",
        "nearer_target": f"nearer to {name}",
        **_BOTH,
    }
    return Chapter(
        title=f"A voice that was learnt: {name}",
        lead=f"Training began with the built-in voice and went on with recordings of {name}. "
        "Conversions are held against those recordings.",
        scores=score_table(
            measured.learnt,
            headings,
            [title_of(each) for each in conversions],
            [(f"a recording of {name}, to the others", measured.own)],
        ),
        conversions=entries,
        target=target,
        training_picture=training_picture,
    )


def title_of(conversion: Conversion) -> str:
    """What became what."""
    return f"{conversion.name} becomes {conversion.speaker}"


def draw(
    conversions: Sequence[Conversion], folder: Path, estimator: F0Estimator
) -> list[ConversionEntry]:
    """A picture of each conversion in `folder`, and what the page says of it."""
    entries: list[ConversionEntry] = []
    for each in conversions:
        picture = folder / f"{each.result.stem}.png"
        save_figure(conversion_figure(read(each.source), read(each.result), estimator), picture)
        facts = {"voice": each.description} if each.description else {}
        seconds = [probe(path).duration_s for path in (each.source, each.result)]
        facts |= {
            "length": f"{seconds[0]:.2f} s in, {seconds[1]:.2f} s out",
            "pitch shift": f"{each.transpose_semitones:+g} semitones",
        }
        entries.append(ConversionEntry(title_of(each), each.source, each.result, picture, facts))
    return entries
