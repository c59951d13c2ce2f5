"""How recordings are evaluated."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ezrvc_device.configuration import Section


class EvaluationConfig(Section):
    """What is measured, and with which models."""

    metrics: tuple[str, ...] = ()
    """Names of metrics or of their families; none: all."""
    whisper: str = "base"
    """For WER and CER: a size (tiny, base, small, medium, large-v3, …), a Hub repository
    (owner/name) or a folder that holds a Whisper model in CTranslate2's format."""
    whisper_device: str = "cpu"
    """Where Whisper runs; CTranslate2 needs CUDA libraries of its own for `cuda`."""
    language: str | None = None
    """Of what is said, as `en`; None: Whisper finds out from the first recording."""
    f0_method: str = "swift-f0"
    """How pitch is found, see `ezrvc_features.list_f0_estimators`."""
    speaker_weights: Path | None = None
    """A `pretrained.pt` for the speaker encoder; None: the published one."""
    utmos: str = ""
    """`hub` fetches the weights of UTMOS; a path is an ONNX file of it; empty: it is measured when
    the weights were fetched before."""
    worst_cases: Annotated[int, Field(ge=0, le=50)] = 4
    """How many recordings the report shows with sound and pictures."""
    bootstrap_resamples: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """How often the recordings are drawn anew for an interval."""
