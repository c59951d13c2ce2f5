"""The retrieval vectors that a voice folder may hold, one file a speaker.

They lie in `retrieval/speaker-<row>.safetensors`, <row> of the speaker table (names may hold what
file names cannot). A voice without them is whole.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval import (
    Retriever,
    RetrieverFacts,
    load_retriever,
    read_facts,
    save_retriever,
)
from ezrvc_model.errors import ModelError

RETRIEVAL_NAME = "retrieval"


def retrieval_path(folder: Path, row: int) -> Path:
    """Where a voice folder keeps the vectors of the speaker of a row."""
    return folder / RETRIEVAL_NAME / f"speaker-{row}.safetensors"


def find_retrieval(folder: Path, speakers: Mapping[str, int]) -> dict[str, Path]:
    """The vectors that a voice folder holds, by speaker; none for a folder that is not there."""
    paths = {speaker: retrieval_path(folder, row) for speaker, row in speakers.items()}
    return {speaker: path for speaker, path in paths.items() if path.is_file()}


def describe_retrieval(path: Path, content_dim: int) -> RetrieverFacts:
    """What a file of vectors holds, checked against the voice's content.

    Raises:
        ModelError: it is damaged, or its vectors are of another width.
    """
    try:
        facts = read_facts(path)
    except FeatureError as error:
        raise ModelError(str(error)) from error
    check_width(facts.dim, content_dim, str(path))
    return facts


def load_retrieval(path: Path, content_dim: int) -> Retriever:
    """Read a file of vectors.

    Raises:
        ModelError: it is damaged, or its vectors are of another width.
    """
    describe_retrieval(path, content_dim)
    try:
        return load_retriever(path)
    except FeatureError as error:
        raise ModelError(str(error)) from error


def add_retrieval(
    folder: Path,
    row: int,
    retriever: Retriever,
    content_dim: int,
    *,
    origin: str,
    fingerprint: str = "",
) -> Path:
    """Put a speaker's vectors into a voice folder, whole or not at all; gives the file's path.

    Args:
        folder: the voice folder.
        row: of the speaker table.
        retriever: of that speaker's content.
        content_dim: width of the voice's content.
        origin: where the vectors come from, in words.
        fingerprint: see `ezrvc_features.retrieval.RetrieverFacts`.

    Raises:
        ModelError: the vectors are of another width.
        OSError: the folder cannot be written.
    """
    check_width(retriever.vectors.shape[1], content_dim, origin)
    path = retrieval_path(folder, row)
    save_retriever(retriever, path, origin=origin, fingerprint=fingerprint)
    return path


def copy_retrieval(
    retrieval: Mapping[str, Path], speakers: Mapping[str, int], folder: Path
) -> None:
    """Copy the vectors of speakers into a voice folder that is being made.

    Raises:
        OSError: a file cannot be read or written.
    """
    for speaker, path in retrieval.items():
        target = retrieval_path(folder, speakers[speaker])
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)


def check_width(dim: int, content_dim: int, what: str) -> None:
    """Refuse vectors of another content encoder.

    Raises:
        ModelError: the widths differ.
    """
    if dim != content_dim:
        raise ModelError(
            f"{what}: its retrieval vectors are {dim} wide, the voice's content is {content_dim}; "
            "they belong to another voice or content encoder"
        )
