"""Retrieval by k-means: every frame takes the nearest centre of the speaker's content.

The method is so-vits-svc's "cluster model" (`cluster_infer_ratio`); see van Niekerk et al., "A
Comparison of Discrete and Soft Speech Units for Improved Voice Conversion" (2022), for why discrete
content carries less of its speaker.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_features.retrieval.base import Vectors, blend_with, checked_vectors
from ezrvc_features.retrieval.nearest import nearest_vectors


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
