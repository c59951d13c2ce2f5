"""Configuration of preparation: how recordings become clips and which clips are held out."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ezrvc_device.configuration import Section


class SlicerConfig(Section):
    """Where a recording is cut."""

    threshold_db: float = Field(default=-35.0, ge=-80.0, lt=0.0)
    """Frames this far below the recording's own sounding level are silent, dB; noise raises it."""
    min_clip_s: float = Field(default=3.0, gt=0.0)
    """Shortest clip while a longer one can be had, seconds."""
    max_clip_s: float = Field(default=20.0, gt=0.0)
    """Longest clip, seconds; at least twice the shortest."""
    min_interval_ms: float = Field(default=300.0, ge=20.0)
    """A shorter silence is part of speech, not a pause to cut at, milliseconds."""
    max_silence_kept_ms: float = Field(default=500.0, ge=0.0)
    """Silence kept at each end of a clip at most; pauses inside reach twice that, milliseconds."""
    min_sound_s: float = Field(default=0.5, gt=0.0)
    """A stretch with less sound than this is never a clip, seconds."""
    silence_dbfs: float = Field(default=-60.0, le=-20.0)
    """A recording whose sounding level is below this is silent, dB of full scale (RMS)."""

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if self.max_clip_s < 2 * self.min_clip_s:
            raise ValueError(
                f"max_clip_s = {self.max_clip_s:g} must be at least twice "
                f"min_clip_s = {self.min_clip_s:g}"
            )
        if self.min_sound_s > self.min_clip_s:
            raise ValueError(
                f"min_sound_s = {self.min_sound_s:g} must not exceed "
                f"min_clip_s = {self.min_clip_s:g}"
            )
        return self


class SplitConfig(Section):
    """How many clips are held out for validation."""

    validation_share: float = Field(default=0.1, gt=0.0, le=0.5)
    """Share of each speaker's clips to hold out."""
    min_validation_clips: int = Field(default=2, ge=1)
    """Clips of each speaker to hold out at least, as far as one remains to train on."""
    max_recording_share: float = Field(default=0.35, ge=0.0, le=0.5)
    """Whole recordings are held out up to this share of the clips; beyond it, one is divided."""


class PreparationConfig(Section):
    """From recordings to clips."""

    slicer: SlicerConfig = SlicerConfig()
    loudness_lufs: float | None = Field(default=-23.0, ge=-50.0, le=-10.0)
    """Integrated loudness each recording is brought to (EBU R128), LUFS; none: left as it is."""
    peak_dbfs: float = Field(default=-1.0, le=0.0)
    """Highest sample a clip may hold, dB of full scale; wins over the loudness."""
    bit_depth: Literal[16, 24, 32] = 16
    """Of the clips' WAV files; 32 is floating point."""
    split: SplitConfig = SplitConfig()
