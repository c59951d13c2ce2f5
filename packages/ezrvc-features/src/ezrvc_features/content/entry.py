"""What is known of a content encoder before anything of it is loaded."""

from dataclasses import dataclass

from ezrvc_device.weights import HubSource, PackageSource, UrlSource, WeightSpec, weights_present
from ezrvc_features.content.hidden_layer import HiddenLayer


@dataclass(frozen=True, kw_only=True)
class EncoderEntry:
    """What is known of an encoder before anything of it is loaded.

    Attributes:
        name: what configurations call it.
        summary: one line for people.
        dim: length of its content vectors, as published.
        layer: which output of its network they are; a `HiddenLayer` where the class has a choice.
        frame_rate_hz: vectors a second.
        licence: of the published weights.
        size_mb: what has to be downloaded, about; 0: nothing.
        sources: the files of the published weights; none: the encoder has no weights.
        implementation: where its class is, `module:name`.
    """

    name: str
    summary: str
    dim: int
    layer: HiddenLayer | str
    frame_rate_hz: float = 50.0
    licence: str
    size_mb: int
    sources: tuple[PackageSource | HubSource | UrlSource, ...]
    implementation: str

    @property
    def hidden_layer(self) -> HiddenLayer | None:
        """The layer that the class is told to take; None where it has no choice."""
        return self.layer if isinstance(self.layer, HiddenLayer) else None

    @property
    def specs(self) -> tuple[WeightSpec, ...]:
        """The weight files, as `ezrvc_device.weights` wants them."""
        return tuple(WeightSpec(self.name, source, self.licence) for source in self.sources)

    @property
    def downloads(self) -> tuple[HubSource | UrlSource, ...]:
        """The weight files that do not ship with a package."""
        return tuple(source for source in self.sources if not isinstance(source, PackageSource))

    @property
    def size_text(self) -> str:
        """The size of the download, for people."""
        if not self.size_mb:
            return "built in" if self.sources else "none"
        return f"{self.size_mb / 1000:.1f} GB" if self.size_mb >= 1000 else f"{self.size_mb} MB"

    def is_present(self) -> bool:
        """Whether it can be used without the network: its published weights are here already."""
        return all(weights_present(spec) for spec in self.specs)
