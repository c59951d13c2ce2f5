"""Training: from a prepared experiment to a voice, resumable at any moment."""

# lazy_loader ships no types: what it gives is typed by the stub file beside this one.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
