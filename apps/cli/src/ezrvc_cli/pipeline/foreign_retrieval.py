"""Retrieval vectors that so-vits-svc and RVC keep beside a voice, brought with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval import Retriever, read_rvc_index, read_sovits_kmeans
from ezrvc_model.errors import ModelError
from ezrvc_model.voice_retrieval import add_retrieval, check_width

_NONE_TRAINED = "trained_"
"""How RVC begins the names of index files that hold no vectors."""


@dataclass(frozen=True, eq=False)
class BroughtRetrieval:
    """Vectors of another program, read and checked, not yet in a voice folder.

    Attributes:
        by_row: retriever of each row of the speaker table that has one.
        origin: the file they come from.
        advice: what was left out, and why.
    """

    by_row: Mapping[int, Retriever]
    origin: str = ""
    advice: tuple[str, ...] = ()

    def save(self, folder: Path) -> None:
        """Put the vectors into a voice folder.

        Raises:
            ModelError: they do not fit the voice.
        """
        for row, retriever in self.by_row.items():
            width = retriever.vectors.shape[1]
            add_retrieval(folder, row, retriever, width, origin=self.origin)


def bring_retrieval(
    path: Path,
    given: Path | None,
    *,
    checkpoint: str,
    speakers: Mapping[str, int],
    default_speaker: str | None,
    content_dim: int,
) -> BroughtRetrieval:
    """Read what so-vits-svc or RVC keep for retrieval, named or found beside a checkpoint.

    What was only found and cannot be used is left out with advice.

    Args:
        path: the checkpoint or its folder.
        given: the file to use; None: look for one beside the checkpoint.
        checkpoint: file name of the checkpoint.
        speakers: name to row, as the other program has them.
        default_speaker: whom a file without names belongs to; None: the first row.
        content_dim: width of the voice's content.

    Raises:
        FeatureError: the given file is missing, damaged or refused.
        ModelError: it does not fit the voice.
    """
    row = min(speakers.values()) if default_speaker is None else speakers.get(default_speaker, 0)
    if given is not None:
        return _read(given, speakers, row, content_dim)
    found, advice = _beside(path if path.is_dir() else path.parent, Path(checkpoint).stem)
    if found is None:
        return BroughtRetrieval({}, advice=advice)
    try:
        return _read(found, speakers, row, content_dim)
    except (FeatureError, ModelError) as error:
        return BroughtRetrieval({}, advice=(f"retrieval left out: {error}",))


def _beside(folder: Path, stem: str) -> tuple[Path | None, tuple[str, ...]]:
    """The one file of vectors in a folder; else none, and why."""
    indexes = [
        file for file in sorted(folder.glob("*.index")) if not file.name.startswith(_NONE_TRAINED)
    ]
    named = [file for file in indexes if stem.casefold() in file.name.casefold()]
    files = [*sorted(folder.glob("kmeans*.pt")), *(named or indexes)]
    if len(files) == 1:
        return files[0], ()
    if files:
        names = ", ".join(file.name for file in files)
        return None, (f"retrieval left out: {names} are there; name one with --retrieval",)
    pickled = sorted(folder.glob("*index*.pkl"))
    if pickled:
        return pickled[0], ()  # to be refused, with advice
    return None, ()


def _read(path: Path, speakers: Mapping[str, int], row: int, content_dim: int) -> BroughtRetrieval:
    advice: tuple[str, ...] = ()
    if path.suffix == ".pt":
        centres = read_sovits_kmeans(path)
        if len(centres) == len(speakers) == 1:
            by_row: dict[int, Retriever] = {row: next(iter(centres.values()))}
        else:
            by_row = {speakers[name]: each for name, each in centres.items() if name in speakers}
            strangers = sorted(centres.keys() - speakers.keys())
            if not by_row:
                raise ModelError(
                    f"{path}: has centres of {', '.join(strangers)}, the voice speaks as "
                    f"{', '.join(speakers)}; take the file that belongs to this voice"
                )
            if strangers:
                advice = (f"{path.name}: nobody here is called {', '.join(strangers)}",)
    else:
        by_row = {row: read_rvc_index(path)}
    for retriever in by_row.values():
        check_width(retriever.vectors.shape[1], content_dim, str(path))
    return BroughtRetrieval(by_row, path.name, advice)
