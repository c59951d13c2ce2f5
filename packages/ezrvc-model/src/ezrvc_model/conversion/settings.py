"""How a recording is converted: what a user can turn, with its defaults."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ezrvc_device.configuration import Section
from ezrvc_model.voice_folder import MOST_NOISE


class ConversionSettings(Section):
    """The choices of one conversion."""

    transpose_semitones: Annotated[float, Field(ge=-60, le=60)] | Literal["auto"] = 0.0
    """Pitch shift of the source, semitones; 12 is an octave up. auto: as many whole semitones as
    bring its median to that of the target speaker's training; for speech, or a song that is mixed
    with nothing."""
    predict_f0: bool = False
    """Let the voice choose its own pitch contour (speech only; singing loses its melody)."""
    f0_method: str | None = None
    """A name of the F0 registry, or an ensemble, `ensemble:swift-f0,fcpe,pm`; None: the one the
    voice was trained with."""
    f0_csv: Path | None = None
    """A CSV of time_s,f0_hz rows that override the pitch found in the recording (0: unvoiced),
    before it is transposed. It belongs to one recording."""
    noise_scale: float | None = Field(default=None, ge=0, le=MOST_NOISE)
    """How much the latent varies: 0 is flat and steady, 1 as varied as in training; None: as the
    voice says."""
    seed: int = Field(default=1234, ge=0)
    """The same seed, input and settings give the same output on one device."""
    retrieval_ratio: float = Field(default=0.0, ge=0, le=1)
    """How far content is moved towards what the target speaker has said; 0: not at all."""
    protect: float = Field(default=0.33, ge=0, le=0.5)
    """How much retrieval may change where nothing is voiced; 0.5: as much as elsewhere."""
    silence_threshold_db: float | None = Field(default=-50.0, lt=0)
    """Pauses this far below the loud parts become digital silence; None: only digital silence."""
    loudness_mix: float = Field(default=1.0, ge=0, le=1)
    """1: the loudness the voice gives; 0: the loudness contour of the source, over one second."""
    block_s: float = Field(default=10.0, ge=1)
    """Longest stretch converted at once, seconds; bounds memory."""
    context_s: float = Field(default=1.0, ge=0.5, le=5)
    """What a block is given to hear on either side of it, seconds."""
    enhance: bool = False
    """Make the result anew with an NSF-HiFiGAN vocoder (44.1 kHz). Its published weights are under
    CC BY-NC-SA 4.0: no commercial use."""
    enhancer_key_semitones: float | None = Field(default=None, ge=-24, le=24)
    """How far down the sound is brought for the enhancer, which knows no very high notes; None: as
    far as the highest pitch asks for."""
    enhancer_weights: str | None = None
    """A folder with `model` and `config.json` of an NSF-HiFiGAN instead of the published one."""

    @model_validator(mode="after")
    def _one_pitch(self) -> Self:
        if self.predict_f0 and self.f0_csv is not None:
            raise ValueError("predict_f0 leaves no use for f0_csv: give one of them")
        return self
