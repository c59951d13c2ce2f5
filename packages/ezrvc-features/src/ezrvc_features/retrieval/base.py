"""What a retriever is, and the blend that every method shares."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_features.errors import FeatureError

Vectors = NDArray[np.float32]
"""One vector a row, (n_vectors, dim)."""


@runtime_checkable
class Retriever(Protocol):
    """Moves content towards what one speaker has said; every frame by itself."""

    @property
    def name(self) -> str:
        """The method: `kmeans` or `index`."""
        ...

    @property
    def vectors(self) -> Vectors:
        """All that it knows of the speaker, float32, (n_vectors, dim)."""
        ...

    def blend(self, content: torch.Tensor, ratio: float) -> torch.Tensor:
        """`ratio` of what was found, the rest of what was given.

        A frame's result depends on that frame alone, so that windows equal the whole.

        Args:
            content: (dim, n_frames), of the encoder that the vectors came from.
            ratio: 0 gives the content back as it is, 1 gives what was found.

        Returns:
            Shape, device and type of the content.

        Raises:
            FeatureError: the content has another width or is not finite, or the ratio is not
                within 0 and 1.
        """
        ...


def blend_with(
    find: Callable[[Vectors], Vectors], dim: int, content: torch.Tensor, ratio: float
) -> torch.Tensor:
    """The blend of a retriever whose `find` gives a vector for each of some vectors.

    Args:
        find: (n_frames, dim) to (n_frames, dim).
        dim: width of the vectors it knows.
        content: (dim, n_frames).
        ratio: see `Retriever.blend`.

    Raises:
        FeatureError: see `Retriever.blend`.
    """
    if not 0 <= ratio <= 1:
        raise FeatureError(f"retrieval ratio {ratio} must be within 0 and 1")
    if content.ndim != 2 or content.shape[0] != dim:
        raise FeatureError(
            f"content of shape {tuple(content.shape)} cannot be looked up among vectors of width "
            f"{dim}; build the retrieval with the voice's own content encoder"
        )
    if ratio == 0 or content.shape[1] == 0:
        return content
    queries = np.ascontiguousarray(content.detach().float().cpu().numpy().T)
    if not np.isfinite(queries).all():
        raise FeatureError("content that is not finite cannot be looked up")
    found = torch.from_numpy(find(queries).T.copy()).to(content)
    return ratio * found + (1 - ratio) * content


def checked_vectors(vectors: NDArray[np.generic], what: str) -> Vectors:
    """Vectors as retrievers keep them.

    Args:
        vectors: (n_vectors, dim).
        what: where they come from, for the message.

    Raises:
        FeatureError: there are none, or they have other axes or are not finite.
    """
    if vectors.ndim != 2 or 0 in vectors.shape or vectors.dtype.kind != "f":
        raise FeatureError(
            f"{what}: expected vectors, (n_vectors, dim) floating-point numbers, but found "
            f"{vectors.dtype} of shape {vectors.shape}"
        )
    checked = np.ascontiguousarray(vectors, dtype=np.float32)
    if not np.isfinite(checked).all():
        raise FeatureError(f"{what}: holds vectors that are not finite")
    return checked
