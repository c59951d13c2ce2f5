"""The public names, for type checkers and for the lazy loader alike."""

from .base import Retriever
from .building import build, fingerprint, fit
from .config import RetrievalConfig
from .files import RetrieverFacts, load_retriever, read_facts, save_retriever
from .index import IndexRetriever
from .kmeans import KMeansRetriever
from .protection import protect_voiceless
from .rvc_index import read_rvc_index
from .sovits_kmeans import read_sovits_kmeans

__all__ = [
    "IndexRetriever",
    "KMeansRetriever",
    "RetrievalConfig",
    "Retriever",
    "RetrieverFacts",
    "build",
    "fingerprint",
    "fit",
    "load_retriever",
    "protect_voiceless",
    "read_facts",
    "read_rvc_index",
    "read_sovits_kmeans",
    "save_retriever",
]
