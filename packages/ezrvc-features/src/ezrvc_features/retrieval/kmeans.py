"""Retrieval by k-means: every frame takes the nearest centre of the speaker's content.

The method is so-vits-svc's "cluster model" (`cluster_infer_ratio`); see van Niekerk et al., "A
Comparison of Discrete and Soft Speech Units for Improved Voice Conversion" (2022), for why discrete
content carries less of its speaker.
"""

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from ezrvc_features.retrieval.base import Vectors, blend_with, checked_vectors
from ezrvc_features.retrieval.nearest import nearest_vectors

_BATCH = 4096
_WHOLE = 20_000_000
"""Vectors times centres up to which every vector is looked at in every round."""


class KMeansRetriever:
    """The nearest of some centres.

    Args:
        centroids: (n_clusters, dim).

    Raises:
        FeatureError: there are none, or they are not finite.
    """

    name = "kmeans"

    def __init__(self, centroids: NDArray[np.generic]) -> None:
        self.vectors: Vectors = checked_vectors(centroids, "k-means centres")

    def quantise(self, content: torch.Tensor, ratio: float = 1.0) -> torch.Tensor:
        """`ratio` of the nearest centre, the rest of the content itself.

        Args:
            content: (dim, n_frames).
            ratio: within 0 and 1.

        Returns:
            (dim, n_frames).

        Raises:
            FeatureError: see `Retriever.blend`.
        """
        return blend_with(self._centre_of, self.vectors.shape[1], content, ratio)

    def blend(self, content: torch.Tensor, ratio: float) -> torch.Tensor:
        """`quantise` under the protocol's name; see `Retriever.blend`."""
        return self.quantise(content, ratio)

    def _centre_of(self, queries: Vectors) -> Vectors:
        _, numbers = nearest_vectors(self.vectors, queries, 1)
        return self.vectors[numbers[:, 0]]


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
