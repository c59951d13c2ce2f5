"""Lay the corpus out as recordings of speakers, those kept for choosing a checkpoint apart.

    python -m base_voice.lay_out CORPUS FOLDER

makes `FOLDER/data/raw/<speaker>/` for training and `FOLDER/held-out/<speaker>/` for scoring, of
links where the file system has them, and `FOLDER/speakers.txt`, the options for `ezrvc preprocess`.
"""

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from soft_units.corpus import held_out_speakers, read_manifest

N_HELD_OUT = 40


def lay_out(corpus: Path, folder: Path, n_held_out: int = N_HELD_OUT) -> tuple[str, ...]:
    """Lay out what may be used, beside each recording its words where they are known.

    Args:
        corpus: holds manifest.jsonl and align.jsonl.
        folder: where to; a folder for ezrvc's data.
        n_held_out: speakers kept apart.

    Returns:
        The speakers to train on.
    """
    clips = read_manifest(corpus)
    held_out = held_out_speakers(clips, n_held_out)
    texts = _texts(corpus)
    for clip in clips:
        room = folder / "held-out" if clip.speaker in held_out else folder / "data/raw"
        target = room / clip.speaker / clip.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            link(clip.path, target)
        text = texts.get(clip.path)
        if text:
            target.with_suffix(".txt").write_text(text, encoding="utf-8")
    speakers = tuple(sorted({clip.speaker for clip in clips} - held_out))
    options = "".join(f"--speaker {name}\n" for name in speakers)
    (folder / "speakers.txt").write_text(options, encoding="utf-8")
    return speakers


def _texts(corpus: Path) -> dict[Path, str]:
    lines = (corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return {corpus / row["path"]: row.get("text", "") for row in rows}


def link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def main(argv: Sequence[str] | None = None) -> None:
    """Lay out, and say what there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args(argv)
    speakers = lay_out(chosen.corpus, chosen.folder)
    print(f"{chosen.folder}: {len(speakers)} speakers to train on, in speakers.txt")


if __name__ == "__main__":
    main()
