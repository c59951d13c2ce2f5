"""A generator of either program, by what its checkpoint holds."""

from pathlib import Path

from ezrvc_model.interop.imported import ImportedGenerator
from ezrvc_model.interop.reading import read_foreign
from ezrvc_model.interop.rvc import import_rvc
from ezrvc_model.interop.sovits import import_sovits, newest_checkpoint


def foreign_checkpoint(path: Path) -> Path:
    """The checkpoint that is meant: a file is itself, a folder its only or its newest generator.

    Raises:
        ModelError: the folder holds none.
    """
    if not path.is_dir():
        return path
    checkpoints = sorted(path.glob("*.pth"))
    return checkpoints[0] if len(checkpoints) == 1 else newest_checkpoint(path)


def import_foreign(checkpoint: Path, *, encoder: str | None = None) -> ImportedGenerator:
    """Read a voice of so-vits-svc or RVC, whichever it is.

    Args:
        checkpoint: the generator's file.
        encoder: the content encoder it was trained with, where the files do not say.

    Raises:
        ModelError: a file is missing, damaged or refused; the encoder is not certain; or a tensor
            is missing, unknown or mis-shaped.
    """
    if "weight" in read_foreign(checkpoint):
        return import_rvc(checkpoint, encoder=encoder)
    return import_sovits(checkpoint, encoder=encoder)
