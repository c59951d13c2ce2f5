"""Retrieval: content of a source replaced, in part, by content that the target speaker has said.

Two methods behind one protocol: `kmeans` (the nearest of some centres) and `index` (the nearest
training vectors, weighted). The names below are loaded when they are first used.
"""

# lazy_loader ships no types: its unknowns end here.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
