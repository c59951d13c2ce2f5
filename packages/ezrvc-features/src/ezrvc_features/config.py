"""The configuration section of this package."""

from typing import Self

from pydantic import Field, model_validator

from ezrvc_device.configuration import Section


class F0Config(Section):
    """How pitch is estimated."""

    method: str = "swift-f0"
    """A name of the F0 registry."""
    min_hz: float = Field(default=50.0, gt=0)
    max_hz: float = Field(default=1100.0, gt=0)
    voicing_threshold: float | None = None
    """How sure of a pitch the method must be; None: the method's own default."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_hz >= self.max_hz:
            raise ValueError(f"min_hz {self.min_hz} must be below max_hz {self.max_hz}")
        return self


class FeatureConfig(Section):
    """Which features are computed, and how. The frame grid comes from the model."""

    encoder: str = "mel"
    """A name of the content registry."""
    encoder_weights: str | None = None
    """A local file or folder instead of the registry's own source."""
    f0: F0Config = F0Config()
    cache_spectrogram: bool = True
    """Keep `.spec.pt` files; training can also compute the spectrogram as it goes."""
