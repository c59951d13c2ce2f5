"""How good is it: intelligibility, speaker similarity, pitch, spectrum, naturalness, speed.

The names below are loaded when they are first used: importing this package is cheap.
"""

# lazy_loader ships no types: its unknowns end here.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
