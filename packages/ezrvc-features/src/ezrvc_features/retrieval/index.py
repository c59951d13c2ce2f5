"""Retrieval by index: every frame takes a weighted mean of the nearest training vectors.

The method and its weights are those of RVC and of so-vits-svc's "feature retrieval": of the 8
nearest vectors, each weighs the inverse of its squared Euclidean distance, squared once more, and
weights sum to 1. Those programs let faiss search approximately (one cell of an inverted file); here
the search is exact, so that the answer does not depend on how an index was trained.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_features.retrieval.base import Vectors, blend_with, checked_vectors
from ezrvc_features.retrieval.nearest import nearest_vectors

N_NEIGHBOURS = 8
"""How many vectors RVC takes the mean of."""


class IndexRetriever:
    """The weighted mean of the nearest training vectors.

    Args:
        vectors: (n_vectors, dim).
        n_neighbours: how many of them a frame takes, where there are so many.

    Raises:
        FeatureError: there are no vectors, or they are not finite.
    """

    name = "index"

    def __init__(self, vectors: NDArray[np.generic], *, n_neighbours: int = N_NEIGHBOURS) -> None:
        self.vectors: Vectors = checked_vectors(vectors, "retrieval index")
        self._n_neighbours = n_neighbours

    def blend(self, content: torch.Tensor, ratio: float) -> torch.Tensor:
        """`ratio` of the weighted mean, the rest of the content; see `Retriever.blend`."""
        return blend_with(self._mean_for, self.vectors.shape[1], content, ratio)

    def _mean_for(self, queries: Vectors) -> Vectors:
        squared, numbers = nearest_vectors(self.vectors, queries, self._n_neighbours)
        means = np.empty_like(queries)
        for row, weights in enumerate(inverse_square_weights(squared)):
            means[row] = weights @ self.vectors[numbers[row]].astype(np.float64)
        return means


def inverse_square_weights(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (1/d²)² that sum to 1.

    A vector at no distance takes all the weight (several share it): what the formula tends to,
    where it would divide by zero.

    Args:
        squared: squared distances, nearest first, (n_queries, k).

    Returns:
        (n_queries, k).
    """
    nearest = squared[:, :1]
    # relative to the nearest, which cancels out and cannot overflow
    closeness = np.divide(nearest, squared, out=np.ones_like(squared), where=squared > 0)
    weights = closeness**2
    return weights / weights.sum(axis=-1, keepdims=True)
