"""Every number that shapes a voice, its training and its use; frozen and checked."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from ezrvc_device.configuration import Section
from ezrvc_features.frames import FrameSpec


class DecoderConfig(Section):
    """The neural source-filter HiFi-GAN that turns latents into samples."""

    kind: Literal["nsf-hifigan", "nsf-snake-hifigan", "hifigan"] = "nsf-hifigan"
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2, 2)
    """Their product is the hop length."""
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 4, 4, 4)
    upsample_initial_channels: int = Field(512, gt=0)
    """Channels before the first upsampling; each stage halves them."""
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    n_harmonics: int = Field(8, ge=0)
    """Overtones of the sine source beside the fundamental."""

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if len(self.upsample_rates) != len(self.upsample_kernel_sizes):
            raise ValueError("upsample_rates and upsample_kernel_sizes must be equally many")
        if len(self.resblock_kernel_sizes) != len(self.resblock_dilations):
            raise ValueError("resblock_kernel_sizes and resblock_dilations must be equally many")
        return self


class SynthesizerConfig(Section):
    """Every number that shapes the network."""

    sample_rate: int = Field(44100, gt=0)
    """Of the voice, Hz."""
    n_fft: int = Field(2048, gt=0)
    """Of the spectrogram the posterior encoder sees; its window is as long."""
    n_mels: int = Field(80, gt=0)
    """Bands of the mel loss."""
    mel_fmin_hz: float = Field(0.0, ge=0)
    mel_fmax_hz: float | None = None
    """None: half the sample rate."""
    content_dim: int = Field(768, gt=0)
    """Length of the content vectors."""
    n_speakers: int = Field(1, gt=0)
    speaker_dim: int = Field(768, gt=0)
    inter_channels: int = Field(192, gt=0)
    """Channels of the latent."""
    hidden_channels: int = Field(192, gt=0)
    filter_channels: int = Field(768, gt=0)
    """Channels inside the feed-forward parts."""
    n_heads: int = Field(2, gt=0)
    n_layers: int = Field(6, gt=0)
    """Of the prior encoder."""
    kernel_size: int = Field(3, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    attention_window: int = Field(4, gt=0)
    """Relative positions known to each side, frames."""
    posterior_layers: int = Field(16, gt=0)
    flow: Literal["residual", "transformer"] = "residual"
    n_couplings: int = Field(4, gt=0)
    flow_layers: int = Field(4, gt=0)
    """Depth of the network inside each coupling."""
    share_flow: bool = False
    """One network for all couplings."""
    depthwise: bool = False
    """Depthwise-separable convolutions in the WaveNets."""
    volume_embedding: bool = False
    predict_f0: bool = True
    """Whether an F0 decoder is part of the model."""
    decoder: DecoderConfig = DecoderConfig()

    @property
    def hop_length(self) -> int:
        """Samples a frame."""
        return math.prod(self.decoder.upsample_rates)

    @property
    def n_bins(self) -> int:
        """Bins of the linear spectrogram."""
        return self.n_fft // 2 + 1

    @property
    def frames(self) -> FrameSpec:
        """The model's frame grid."""
        return FrameSpec(self.sample_rate, self.hop_length)


class TrainConfig(Section):
    """How a voice is trained."""

    seed: int = 1234
    max_steps: int = Field(100_000, gt=0)
    batch_size: int = Field(6, gt=0)
    segment_frames: int = Field(20, gt=0)
    """Frames of the piece the decoder and the discriminators see."""
    max_clip_frames: int = Field(512, gt=0)
    """Longer clips are cropped at random."""
    learning_rate: float = Field(1e-4, gt=0)
    betas: tuple[float, float] = (0.8, 0.99)
    epsilon: float = Field(1e-9, gt=0)
    learning_rate_decay: float = Field(0.999875, gt=0, le=1)
    """Factor an epoch."""
    mel_weight: float = Field(45.0, ge=0)
    kl_weight: float = Field(1.0, ge=0)
    clip_norm: float | None = None
    """Largest gradient norm; None: only measured."""
    checkpoint_every: int = Field(800, gt=0)
    """Steps between checkpoints (and at most `checkpoint_minutes` apart)."""
    checkpoint_minutes: float = Field(5.0, gt=0)
    keep_checkpoints: int = Field(3, gt=0)
    log_every: int = Field(20, gt=0)
    volume_augmentation: bool = False
    num_workers: int = Field(0, ge=0)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
