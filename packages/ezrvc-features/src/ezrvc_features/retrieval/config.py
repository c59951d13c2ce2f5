"""The configuration section of retrieval."""

from typing import Literal

from pydantic import Field

from ezrvc_device.configuration import Section


class RetrievalConfig(Section):
    """What is kept of the speakers' content, for conversion to move sources towards."""

    method: Literal["none", "kmeans", "index"] = "none"
    """`kmeans`: centres, small; `index`: the training vectors themselves."""
    n_clusters: int = Field(default=10_000, ge=1)
    """Centres of `kmeans`, and what an index of more than `max_vectors` is reduced to;
    so-vits-svc and RVC: 10 000."""
    max_vectors: int = Field(default=200_000, ge=1)
    """The most vectors that an index keeps as they are; RVC: 200 000, 67 minutes at 50 a second."""
