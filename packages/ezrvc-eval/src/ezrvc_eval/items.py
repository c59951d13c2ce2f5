"""What is evaluated: recordings, and what they are held against."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ezrvc_audio.media import AUDIO_SUFFIXES
from ezrvc_audio.reading import read
from ezrvc_audio.waveform import Waveform
from ezrvc_eval.errors import EvalError


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What making a recording cost, see `ezrvc_eval.metrics.speed.SpeedProbe`.

    Attributes:
        elapsed_s: from the start to the last sample.
        first_audio_s: from the start to the first sample; None: not known.
        peak_memory_mb: the most that the process held; None: not known.
    """

    elapsed_s: float
    first_audio_s: float | None = None
    peak_memory_mb: float | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationItem:
    """One recording to evaluate.

    Attributes:
        name: what reports call it; unique among the items.
        converted: the recording.
        reference: what it was made from, or a recording of the same words that it should equal.
        text: the words that should be heard; None: those heard in the reference.
        target: recordings of the voice it should have; empty: the reference has that voice.
        transpose_semitones: how much higher than the reference its pitch is meant to be.
        timing: what making it cost.
    """

    name: str
    converted: Path
    reference: Path | None = None
    text: str | None = None
    target: tuple[Path, ...] = ()
    transpose_semitones: float = 0.0
    timing: Timing | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """An item with its sound in memory, mono; the attributes are those of `EvaluationItem`."""

    name: str
    converted: Waveform
    reference: Waveform | None = None
    text: str | None = None
    target: tuple[Path, ...] = ()
    transpose_semitones: float = 0.0
    timing: Timing | None = None


def read_take(item: EvaluationItem) -> Take:
    """Read the recordings of an item.

    Raises:
        AudioError: one of them cannot be read.
    """
    return Take(
        name=item.name,
        converted=read(item.converted, mono=True),
        reference=None if item.reference is None else read(item.reference, mono=True),
        text=item.text,
        target=item.target,
        transpose_semitones=item.transpose_semitones,
        timing=item.timing,
    )


def recordings_in(folder: Path) -> list[Path]:
    """The recordings directly in a folder, sorted by name.

    Raises:
        EvalError: there is no such folder, or it holds none.
    """
    if not folder.is_dir():
        raise EvalError(f"{folder}: no such folder")
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")
    )
    if not found:
        raise EvalError(f"{folder}: no recordings in this folder")
    return found


def items_of_folder(
    converted: Path,
    *,
    reference: Path | None = None,
    texts: Mapping[str, str] | None = None,
    target: Sequence[Path] = (),
    transpose_semitones: float = 0.0,
) -> list[EvaluationItem]:
    """The recordings of a folder, each with its counterpart in another.

    A recording's counterpart has its stem, or the part of its stem before an underscore, as
    `ezrvc convert` names results (`song_ada.wav` was made from `song.m4a`); the longest wins.
    Words come from `texts`, else from a file `<stem>.txt` beside the recording or its counterpart.

    Args:
        converted: the folder to evaluate.
        reference: folder of the counterparts.
        texts: words by stem of the recording or of its counterpart, see `read_texts`.
        target: recordings of the voice that they should have.
        transpose_semitones: how much higher than their counterparts they are meant to be.

    Raises:
        EvalError: a folder holds no recording, or a recording has no counterpart.
    """
    counterparts = {} if reference is None else {p.stem: p for p in recordings_in(reference)}
    items: list[EvaluationItem] = []
    for path in recordings_in(converted):
        counterpart = _counterpart(path.stem, counterparts)
        if reference is not None and counterpart is None:
            raise EvalError(
                f"{path}: has no counterpart in {reference}; one is named {path.stem} or as its "
                "beginning before an underscore"
            )
        items.append(
            EvaluationItem(
                name=path.name,
                converted=path,
                reference=counterpart,
                text=_text_of(path, counterpart, texts or {}),
                target=tuple(target),
                transpose_semitones=transpose_semitones,
            )
        )
    return items


@dataclass(frozen=True)
class TestLine:
    """One line of a test list: a recording to convert and the words in it, if known."""

    __test__ = False  # of pytest: this is no test

    path: Path
    text: str | None


def read_test_list(path: Path) -> list[TestLine]:
    """Read a CSV file with the columns `path` and, if known, `text`.

    Paths are relative to the list.

    Raises:
        EvalError: the file is missing, has no such column or no line, or names missing recordings.
    """
    lines = [
        TestLine(path.parent / row["path"], row.get("text") or None)
        for row in _rows(path, column="path")
    ]
    missing = next((line.path for line in lines if not line.path.is_file()), None)
    if missing is not None:
        raise EvalError(f"{path}: names {missing}, which does not exist")
    return lines


def read_texts(path: Path) -> dict[str, str]:
    """Read a CSV file with the columns `name` (of a recording, with or without suffix) and `text`.

    Raises:
        EvalError: the file is missing, or has no such columns or no line.
    """
    return {
        Path(row["name"]).stem: row["text"] for row in _rows(path, column="name") if row["text"]
    }


def _rows(path: Path, *, column: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvalError(f"{path}: cannot be read as CSV ({error})") from error
    wanted = {column, "text"} if column == "name" else {column}
    if not wanted <= set(names):
        raise EvalError(f"{path}: its first line must name the columns {', '.join(sorted(wanted))}")
    rows = [row for row in rows if row[column]]
    if not rows:
        raise EvalError(f"{path}: holds no line")
    return rows


def _counterpart(stem: str, counterparts: Mapping[str, Path]) -> Path | None:
    while stem not in counterparts:
        stem, underscore, _ = stem.rpartition("_")
        if not underscore:
            return None
    return counterparts[stem]


def _text_of(path: Path, counterpart: Path | None, texts: Mapping[str, str]) -> str | None:
    places = [place for place in (path, counterpart) if place is not None]
    for place in places:
        if place.stem in texts:
            return texts[place.stem]
    for place in places:
        beside = place.with_suffix(".txt")
        if beside.is_file():
            return beside.read_text(encoding="utf-8").strip() or None
    return None
