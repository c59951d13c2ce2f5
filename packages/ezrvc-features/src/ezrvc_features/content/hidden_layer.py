"""Which output of a transformer is the content."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class HiddenLayer:
    """A layer of a network of known depth, and what is done before and after it.

    Attributes:
        index: of the layer, from 1.
        of: layers that the published network has.
        projected: whether the network's final projection follows.
        normalized: whether the sound is first brought to mean 0 and variance 1.
    """

    index: int
    of: int
    projected: bool = False
    normalized: bool = False

    def __str__(self) -> str:
        """For people."""
        which = "last layer" if self.index == self.of else f"layer {self.index} of {self.of}"
        before = ", of normalised sound" if self.normalized else ""
        return f"{which}{' and projection' if self.projected else ''}{before}"

    @property
    def tag(self) -> str:
        """For the version of an encoder: `l9`, with `p` and `n` when projected and normalised."""
        return f"l{self.index}{'p' * self.projected}{'n' * self.normalized}"
