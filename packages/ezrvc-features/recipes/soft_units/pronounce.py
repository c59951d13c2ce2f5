"""How the recordings of people are pronounced whose words are known, by espeak-ng.

    python -m soft_units.pronounce CORPUS OUT/pronunciations.jsonl

needs the packages `phonemizer-fork` and `espeakng-loader`, which nothing else of ezrvc does. Each
line is `path` and `phonemes`, in the symbols of the corpus's `align.jsonl`.
"""

import argparse
import importlib
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ezrvc_device.atomic import write_text

_LANGUAGES = {"en": "en-us", "nl-be": "nl", "fr": "fr-fr"}
"""Names of the corpus that espeak-ng has others for."""


def pronounce(corpus: Path) -> list[dict[str, str]]:
    """Phonemes of every clip of a person whose words are known."""
    # they are tools of whoever runs the recipe
    backend = importlib.import_module("phonemizer.backend").EspeakBackend
    loader = importlib.import_module("espeakng_loader")
    backend.set_library(loader.get_library_path())
    importlib.import_module("phonemizer.backend.espeak.wrapper").EspeakWrapper.set_data_path(
        loader.get_data_path()
    )
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["kind"] == "real" and row.get("text"):
            language: str = row["lang"]
            said[_LANGUAGES.get(language, language)].append(row)
    pronounced = []
    for language, rows in said.items():
        voice = backend(language, with_stress=True, preserve_punctuation=True)
        texts = [" ".join(row["text"].split()) for row in rows]
        for row, phonemes in zip(rows, voice.phonemize(texts), strict=True):
            pronounced.append({"path": row["path"], "phonemes": phonemes.strip()})
    return pronounced


def main(argv: Sequence[str] | None = None) -> None:
    """Pronounce, and write it down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args(argv)
    lines = [json.dumps(row, ensure_ascii=False) for row in pronounce(chosen.corpus)]
    write_text(chosen.out, "\n".join(lines) + "\n")
    print(f"{chosen.out}: {len(lines)} clips")


if __name__ == "__main__":
    main()
