"""Fitting k-means centres; apart from the retrievers, which need no scikit-learn."""

import warnings

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from ezrvc_features.retrieval.base import Vectors

_BATCH = 4096
_WHOLE = 20_000_000
"""Vectors times centres up to which every vector is looked at in every round."""


def fit_centroids(vectors: Vectors, n_clusters: int, *, seed: int = 0) -> Vectors:
    """Centres of vectors, the same for the same vectors and seed.

    Small sets are fitted whole (Lloyd), large ones by mini-batches (Sculley, "Web-Scale K-Means
    Clustering", 2010).

    Args:
        vectors: (n_vectors, dim).
        n_clusters: how many centres; no more than there are vectors are made.
        seed: of the first centres and the batches.

    Returns:
        (n_clusters, dim) or fewer.
    """
    n_clusters = min(n_clusters, len(vectors))
    if n_clusters == len(vectors):
        return vectors
    if n_clusters * len(vectors) <= _WHOLE:
        model = KMeans(n_clusters, n_init="auto", random_state=seed)  # k-means++, once
    else:
        model = MiniBatchKMeans(
            n_clusters,
            init="random",
            n_init=1,  # pyright: ignore[reportArgumentType] - its annotation lacks numbers
            batch_size=max(_BATCH, n_clusters),
            max_iter=20,
            compute_labels=False,
            random_state=seed,
        )
    with warnings.catch_warnings():
        # vectors that repeat (silence) leave centres over, which then coincide: no harm
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors)
    return np.ascontiguousarray(model.cluster_centers_, dtype=np.float32)
