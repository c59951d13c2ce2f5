"""A retriever from the content of one speaker's clips."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from ezrvc_audio.manifest import Clip
from ezrvc_device.progress import Progress, silent
from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval.base import Retriever, Vectors
from ezrvc_features.retrieval.clustering import fit_centroids
from ezrvc_features.retrieval.config import RetrievalConfig
from ezrvc_features.retrieval.index import IndexRetriever
from ezrvc_features.retrieval.kmeans import KMeansRetriever
from ezrvc_features.store import Artefact, FeatureStore


def build(
    store: FeatureStore,
    clips: Sequence[Clip],
    config: RetrievalConfig,
    *,
    progress: Progress = silent,
) -> Retriever:
    """Read the content of clips, at the encoder's own rate, and make a retriever of it.

    The same clips in any order, with the same settings, give the same retriever.

    Args:
        store: where their features are.
        clips: of one speaker, all encoded alike.
        config: which method.
        progress: told the clips that are read.

    Raises:
        FeatureError: there are no clips, the method is `none`, a clip's content is missing, or
            two clips have content of different widths.
    """
    if not clips:
        raise FeatureError("retrieval needs at least one clip; run preprocess first")
    ordered = sorted(clips, key=lambda clip: clip.path)
    parts: list[Vectors] = []
    for done, clip in enumerate(ordered):
        progress("read content", done, len(ordered))
        part = store.load_content(clip).float().numpy().T
        if parts and part.shape[1] != parts[0].shape[1]:
            raise FeatureError(
                f"{clip.path}: its content is {part.shape[1]} wide, that of {ordered[0].path} "
                f"{parts[0].shape[1]}; run preprocess again, it remakes what does not fit"
            )
        parts.append(part)
    progress("read content", len(ordered), len(ordered))
    return fit(np.concatenate(parts), config)


def fit(vectors: Vectors, config: RetrievalConfig) -> Retriever:
    """A retriever of some vectors; an index of very many is one of their k-means centres.

    Args:
        vectors: (n_vectors, dim).
        config: which method.

    Raises:
        FeatureError: the method is `none`, or the vectors are empty or not finite.
    """
    if config.method == "none":
        raise FeatureError("retrieval.method is none; choose kmeans or index")
    if config.method == "kmeans":
        return KMeansRetriever(fit_centroids(vectors, config.n_clusters))
    if len(vectors) > config.max_vectors:
        vectors = fit_centroids(vectors, config.n_clusters)
    return IndexRetriever(vectors)


def fingerprint(store: FeatureStore, clips: Sequence[Clip], config: RetrievalConfig) -> str:
    """Of all that decides what `build` gives, without reading the content.

    Raises:
        FeatureError: a clip has no content on record.
    """
    made_from = sorted(
        [clip.path, clip.sha256, store.recipe(clip, Artefact.CONTENT).to_tree()] for clip in clips
    )
    text = json.dumps([config.to_tree(), made_from], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
