"""Retrievers on disk: one safetensors file each, never a pickle.

The file holds the vectors alone, in half precision where that loses nothing (content of the
feature store is kept so), and a few words about them: there is no other structure to keep.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ezrvc_device.atomic import atomic_file
from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval.base import Retriever
from ezrvc_features.retrieval.index import IndexRetriever
from ezrvc_features.retrieval.kmeans import KMeansRetriever

_FORMAT = "ezrvc-retrieval-1"
_VECTORS = "vectors"
_FACTS = "retrieval"
_METHODS = {"kmeans": KMeansRetriever, "index": IndexRetriever}


@dataclass(frozen=True)
class RetrieverFacts:
    """What can be said of a retriever's file without reading its vectors.

    Attributes:
        method: `kmeans` or `index`.
        n_vectors: how many it knows.
        dim: their width.
        origin: where they come from, in words.
        fingerprint: of the settings and content they were made from; empty for imported ones.
    """

    method: str
    n_vectors: int
    dim: int
    origin: str
    fingerprint: str


def save_retriever(
    retriever: Retriever, path: Path, *, origin: str = "", fingerprint: str = ""
) -> None:
    """Write a retriever, whole or not at all.

    Args:
        retriever: of one of the methods of this package.
        path: of the file, `.safetensors`.
        origin: where its vectors come from, in words.
        fingerprint: see `RetrieverFacts`.

    Raises:
        OSError: it cannot be written.
    """
    facts = {
        "format": _FORMAT,
        "method": retriever.name,
        "origin": origin,
        "fingerprint": fingerprint,
    }
    # under one key: the order of several is another in every file
    metadata = {_FACTS: json.dumps(facts, ensure_ascii=False)}
    with atomic_file(path) as temporary:
        save_file({_VECTORS: _compact(retriever.vectors)}, temporary, metadata=metadata)


def read_facts(path: Path) -> RetrieverFacts:
    """What a retriever's file holds.

    Raises:
        FeatureError: it is missing or damaged, or is something else.
    """
    return _read(path)[0]


def load_retriever(path: Path) -> Retriever:
    """Read a retriever.

    Raises:
        FeatureError: it is missing or damaged, or is something else.
    """
    facts, vectors = _read(path, with_vectors=True)
    return _METHODS[facts.method](vectors)


def _read(path: Path, *, with_vectors: bool = False) -> tuple[RetrieverFacts, NDArray[np.generic]]:
    try:
        with safe_open(path, framework="np") as file:
            metadata = json.loads((file.metadata() or {}).get(_FACTS, "{}"))
            if metadata.get("format") != _FORMAT or metadata.get("method") not in _METHODS:
                raise FeatureError(
                    f"{path}: not retrieval vectors of this version of ezrvc; make them again "
                    "with `ezrvc models retrieval`"
                )
            n_vectors, dim = file.get_slice(_VECTORS).get_shape()
            vectors = file.get_tensor(_VECTORS) if with_vectors else np.empty((0, dim), np.float32)
    except (OSError, SafetensorError, ValueError) as error:
        raise FeatureError(
            f"{path}: cannot be read as retrieval vectors ({error}); copy the voice again or make "
            "them again with `ezrvc models retrieval`"
        ) from error
    facts = RetrieverFacts(
        method=metadata["method"],
        n_vectors=n_vectors,
        dim=dim,
        origin=metadata.get("origin", ""),
        fingerprint=metadata.get("fingerprint", ""),
    )
    return facts, vectors


def _compact(vectors: NDArray[np.float32]) -> NDArray[np.generic]:
    """In half precision if every number survives it."""
    with np.errstate(over="ignore"):  # a number too large becomes infinite, hence different
        half = vectors.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), vectors) else vectors
