"""The configuration section of this package."""

from typing import Annotated, Self, cast

from pydantic import BeforeValidator, Field, model_validator

from ezrvc_device.configuration import Section


def _as_method(value: object) -> object:
    """A list of methods as the name of their ensemble."""
    if isinstance(value, list | tuple):
        return "ensemble:" + ",".join(map(str, cast("list[object]", value)))
    return value


class F0Config(Section):
    """How pitch is estimated."""

    method: Annotated[str, BeforeValidator(_as_method)] = "swift-f0"
    """A name of the F0 registry; or an ensemble, written as `ensemble:swift-f0,fcpe,pm` or as a
    list of names: the median of several methods, voiced where most of them say so."""
    min_hz: float = Field(default=50.0, gt=0)
    max_hz: float = Field(default=1100.0, gt=0)
    voicing_threshold: float | None = None
    """How sure of a pitch the method must be; None: the method's own default, which is what the
    methods of an ensemble always take."""
    repair_octaves: bool = False
    """Move runs of up to a tenth of a second that lie an octave off to the pitch around them."""
    median_filter_frames: int | None = Field(default=None, ge=1, le=99)
    """Length of a median filter over time, an odd number of frames; None: no filter."""
    median_filter_ms: float | None = Field(default=None, gt=0, le=500)
    """The same length in milliseconds, instead: the nearest odd number of frames is taken."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_hz >= self.max_hz:
            raise ValueError(f"min_hz {self.min_hz} must be below max_hz {self.max_hz}")
        return self

    @model_validator(mode="after")
    def _one_odd_filter(self) -> Self:
        length = self.median_filter_frames
        if length is not None and length % 2 == 0:
            raise ValueError(f"median_filter_frames {length} must be odd")
        if length is not None and self.median_filter_ms is not None:
            raise ValueError("give median_filter_frames or median_filter_ms, not both")
        return self


class FeatureConfig(Section):
    """Which features are computed, and how. The frame grid comes from the model."""

    encoder: str = "soft-units"
    """A name of the content registry."""
    encoder_weights: str | None = None
    """A local file or folder instead of the registry's own source."""
    f0: F0Config = F0Config()
    cache_spectrogram: bool = True
    """Keep `.spec.pt` files; training can also compute the spectrogram as it goes."""
