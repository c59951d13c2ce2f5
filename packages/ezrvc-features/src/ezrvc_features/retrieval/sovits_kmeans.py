"""Reading the k-means centres that so-vits-svc keeps beside a voice."""

from pathlib import Path

import numpy as np
import torch

from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval.base import checked_vectors
from ezrvc_features.retrieval.kmeans import KMeansRetriever

_CENTRES = "cluster_centers_"


def read_sovits_kmeans(path: Path) -> dict[str, KMeansRetriever]:
    """The centres of each speaker in a `kmeans_*.pt` of so-vits-svc 4.

    The file maps a speaker's name to the attributes of a scikit-learn model: `n_features_in_`,
    `_n_threads`, and `cluster_centers_` of (n_clusters, dim). It is read without running anything
    that it carries.

    Raises:
        FeatureError: the file is missing or damaged, asks for code to be run, or holds something
            else; the message names it.
    """
    tree = read_checkpoint(path)
    if not isinstance(tree, dict) or not tree:
        raise FeatureError(f"{path}: holds no speakers; expected a kmeans_*.pt of so-vits-svc")
    retrievers: dict[str, KMeansRetriever] = {}
    for speaker, model in tree.items():
        what = f"{path}: speaker {speaker!r}"
        centres = model.get(_CENTRES) if isinstance(model, dict) else None
        if isinstance(centres, torch.Tensor):
            centres = centres.detach().numpy()
        if not isinstance(centres, np.ndarray):
            raise FeatureError(f"{what} has no {_CENTRES}; expected a kmeans_*.pt of so-vits-svc")
        centres = checked_vectors(centres, what)
        declared = model.get("n_features_in_", centres.shape[1])
        if declared != centres.shape[1]:
            raise FeatureError(
                f"{what} has centres {centres.shape[1]} wide, but says {declared}; copy or "
                "download the file again"
            )
        retrievers[str(speaker)] = KMeansRetriever(centres)
    return retrievers
