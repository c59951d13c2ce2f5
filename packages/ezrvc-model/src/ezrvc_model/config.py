"""Every number that shapes a voice, its training and its use; frozen and checked."""

import math
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from ezrvc_device.configuration import Section
from ezrvc_features.frames import FrameSpec

MOST_LAYERS = 256
"""Of any stack; files of others may ask for more than could ever be built."""


class DecoderConfig(Section):
    """The HiFi-GAN that turns latents (or mel bands) into samples, with or without a source."""

    kind: Literal["nsf-hifigan", "nsf-snake-hifigan", "hifigan", "snake-hifigan"] = "nsf-hifigan"
    """`nsf`: driven by a sine source that follows F0. `snake`: periodic activations."""
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2, 2)
    """Their product is the hop length."""
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 4, 4, 4)
    upsample_initial_channels: int = Field(default=512, gt=0)
    """Channels before the first upsampling; each stage halves them, rounding down."""
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    paired_convolutions: bool = True
    """Each dilated convolution of a residual block is followed by an undilated one."""
    n_harmonics: int = Field(default=8, ge=0)
    """Overtones of the sine source beside the fundamental."""
    source_sample_rate: int | None = Field(default=None, gt=0)
    """The rate the source counts its phase at, Hz; None: the voice's. Voices that so-vits-svc
    trained at another rate than 44100 learned with a source that still counted at 44100."""
    normalised_ends: bool = True
    """Weight normalisation on the first and last convolution too (RVC: not)."""
    output_bias: bool = True
    """A bias in the last convolution (RVC: none)."""

    @property
    def has_source(self) -> bool:
        """Whether a sine source that follows F0 drives it."""
        return self.kind.startswith("nsf-")

    @property
    def has_snake(self) -> bool:
        """Whether its activations are periodic (snake) instead of leaky ReLU."""
        return "snake" in self.kind

    @property
    def hop_length(self) -> int:
        """Samples made of each frame."""
        return math.prod(self.upsample_rates)

    @model_validator(mode="after")
    def _numbers_agree(self) -> Self:
        if len(self.upsample_rates) != len(self.upsample_kernel_sizes):
            raise ValueError("upsample_rates and upsample_kernel_sizes must be equally many")
        if len(self.resblock_kernel_sizes) != len(self.resblock_dilations):
            raise ValueError("resblock_kernel_sizes and resblock_dilations must be equally many")
        if not self.upsample_rates or not self.resblock_kernel_sizes:
            raise ValueError("a decoder needs at least one stage and one residual block")
        for rate, kernel in zip(self.upsample_rates, self.upsample_kernel_sizes, strict=True):
            if rate < 1 or kernel < rate or (kernel - rate) % 2:
                raise ValueError(
                    f"an upsampling by {rate} needs a kernel at least as long and longer by an "
                    f"even number, got {kernel}"
                )
        if any(kernel < 1 or kernel % 2 == 0 for kernel in self.resblock_kernel_sizes):
            raise ValueError(f"resblock_kernel_sizes must be odd, got {self.resblock_kernel_sizes}")
        if self.upsample_initial_channels < 2 ** len(self.upsample_rates):
            raise ValueError(
                f"{self.upsample_initial_channels} channels cannot be halved "
                f"{len(self.upsample_rates)} times"
            )
        return self


class SynthesizerConfig(Section):
    """Every number that shapes the network."""

    sample_rate: int = Field(default=44100, ge=8000, le=192_000)
    """Of the voice, Hz."""
    n_fft: int = Field(default=2048, gt=0)
    """Of the spectrogram the posterior encoder sees; its window is as long."""
    n_mels: int = Field(default=80, gt=0)
    """Bands of the mel loss."""
    mel_fmin_hz: float = Field(default=0.0, ge=0)
    mel_fmax_hz: float | None = None
    """None: half the sample rate."""
    content_dim: int = Field(default=768, gt=0)
    """Length of the content vectors."""
    content_kernel_size: int = Field(default=5, gt=0)
    """Frames that the first projection of the content sees (RVC: 1)."""
    n_speakers: int = Field(default=1, gt=0)
    speaker_dim: int = Field(default=768, gt=0)
    inter_channels: int = Field(default=192, gt=0)
    """Channels of the latent."""
    hidden_channels: int = Field(default=192, gt=0)
    filter_channels: int = Field(default=768, gt=0)
    """Channels inside the feed-forward parts."""
    n_heads: int = Field(default=2, gt=0)
    n_layers: int = Field(default=6, gt=0, le=MOST_LAYERS)
    """Of the prior encoder."""
    kernel_size: int = Field(default=3, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    attention_window: int = Field(default=4, gt=0)
    """Relative positions known to each side, frames."""
    posterior_layers: int = Field(default=16, gt=0, le=MOST_LAYERS)
    flow: Literal["residual", "transformer"] = "residual"
    n_couplings: int = Field(default=4, gt=0, le=MOST_LAYERS)
    flow_layers: int = Field(default=4, gt=0, le=MOST_LAYERS)
    """Depth of the network inside each coupling."""
    share_flow: bool = False
    """One network for all couplings."""
    depthwise: bool = False
    """Depthwise-separable convolutions in the WaveNets."""
    pitch_embedding: bool = True
    """Whether the prior knows F0 (RVC voices without F0: not)."""
    pitch_overflow: Literal["clamp", "zero"] = "clamp"
    """Pitch class above 1103 Hz: the highest one, or the spare one 0 as in so-vits-svc."""
    voiced_embedding: bool = True
    """Whether the prior knows which frames are voiced (RVC: not)."""
    volume_embedding: bool = False
    scaled_embedding: bool = False
    """Grow the embedded content by the root of its channels and bend it by a leaky ReLU, as RVC."""
    predict_f0: bool = True
    """Whether an F0 decoder is part of the model."""
    mask_padding: bool = True
    """Keep every convolution from reading what the padding of a batch holds. so-vits-svc lets two
    of them read it in training; False gives its numbers."""
    decoder: DecoderConfig = DecoderConfig()

    @property
    def hop_length(self) -> int:
        """Samples a frame."""
        return self.decoder.hop_length

    @property
    def n_bins(self) -> int:
        """Bins of the linear spectrogram."""
        return self.n_fft // 2 + 1

    @property
    def frames(self) -> FrameSpec:
        """The model's frame grid."""
        return FrameSpec(self.sample_rate, self.hop_length)

    @model_validator(mode="after")
    def _numbers_agree(self) -> Self:
        if self.hidden_channels % self.n_heads:
            raise ValueError(
                f"hidden_channels {self.hidden_channels} must be a multiple of n_heads "
                f"{self.n_heads}"
            )
        if self.inter_channels % 2:
            raise ValueError(f"inter_channels must be even, got {self.inter_channels}")
        if self.predict_f0 and not self.pitch_embedding:
            raise ValueError("predict_f0 needs pitch_embedding: the predicted F0 must be used")
        return self


class DiscriminatorConfig(Section):
    """The networks that tell real audio from made audio while a voice is trained."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    """Samples of each period discriminator's columns."""
    resolutions: tuple[tuple[int, int], ...] = ()
    """(n_fft, hop_length) of each resolution discriminator."""
    narrowing: Annotated[int, Field(gt=0)] | Literal["auto"] = "auto"
    """Divides the channels of every layer; 1 is the published width. `auto`: as the base's, so that
    an opponent that has learned judges a generator that has; from nothing 1."""

    @property
    def resolved_narrowing(self) -> int:
        """The number; 1 where no base says otherwise."""
        return 1 if self.narrowing == "auto" else self.narrowing


def _none_for_null(value: object) -> object:
    """Nothing at all as the word for it: `base: null` is from nothing."""
    return "none" if value is None else value


class TrainConfig(Section):
    """How a voice is trained."""

    seed: int = Field(default=1234, ge=0)
    """Order, crops, augmentation, noise and dropout follow from it."""
    max_steps: Annotated[int, Field(gt=0)] | Literal["auto"] = "auto"
    """Where training ends. `auto`: at step 100000, from the built-in voice after the few steps
    that `training.automatic.FINE_TUNING_STEPS` says; a run that has begun keeps what it had."""
    base: Annotated[str, BeforeValidator(_none_for_null)] = "auto"
    """What a new run starts from: a voice or run by name, a folder, a checkpoint of so-vits-svc or
    RVC, its address on the Hub (`hf:owner/name`), or `builtin:base`. `auto`: the built-in voice
    where network and content encoder are its own, else nothing. `none`: nothing. A run that has
    begun keeps what it started from."""
    new_speakers: Literal["mean", "fresh"] = "mean"
    """Where speakers start that the base does not know: the mean of those it knows, or chance."""
    batch_size: Annotated[int, Field(gt=0)] | Literal["auto"] = 6
    """Clips a step, over all processes; `auto`: as many as fit, found by trial (8 on a CPU), at
    most 64."""
    segment_frames: int = Field(default=20, gt=0)
    """Frames of the piece the decoder and the discriminators see."""
    max_clip_frames: int = Field(default=512, gt=0)
    """Longer clips are cropped at random."""
    volume_augmentation: bool = False
    """Make half of the clips louder or quieter at random."""
    pitch_augmentation_semitones: float = Field(default=0.0, ge=0, le=12)
    """Play half of the clips up to this much higher or lower, as a tape at another speed."""
    mask_above_bandwidth: bool = True
    """Keep the mel loss from what lies above the bandwidth of recordings made at a lower rate."""
    fixed_length: bool = False
    """Fill every batch up to `max_clip_frames`, so that all have one shape."""
    learning_rate: float = Field(default=1e-4, gt=0)
    betas: tuple[float, float] = (0.8, 0.99)
    epsilon: float = Field(default=1e-9, gt=0)
    learning_rate_decay: float = Field(default=0.999875, gt=0, le=1)
    """Factor an epoch."""
    warm_up_steps: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    """Steps over which the learning rate rises to its height: a trained generator is jolted by full
    ones while the optimisers remember no gradients. `auto`: 50 from a base, 0 from nothing."""
    mel_weight: float = Field(default=45.0, ge=0)
    kl_weight: float = Field(default=1.0, ge=0)
    content_weight: float = Field(default=0.0, ge=0)
    """Of what the content encoder hears in audio made the way of conversion, against what it hears
    in the recording: words come out clearer, a step takes longer. 0: not computed. Only encoders
    that can be listened with (soft-units)."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    clip_norm: float | None = Field(default=None, gt=0)
    """Largest gradient norm; None: only measured."""
    recovery_factor: float = Field(default=0.5, gt=0, lt=1)
    """Lowers the learning rate when a loss was not a number and the run goes back, once."""
    checkpoint_every: int = Field(default=800, gt=0)
    """Steps between checkpoints (and at most `checkpoint_minutes` apart)."""
    checkpoint_minutes: float = Field(default=5.0, gt=0)
    keep_checkpoints: int = Field(default=3, gt=0)
    """How many of the newest are kept; the one of the best validation is kept beside them."""
    validate_every: int = Field(default=800, gt=0)
    """Steps between validations on held-out clips; there is one at the end, too."""
    validation_clips: int = Field(default=8, ge=0)
    """Held-out clips that are converted each time; 0: no validation."""
    log_every: int = Field(default=20, gt=0)
    """Steps whose metrics are averaged into one line of the log."""
    loggers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ("tensorboard",)
    """Who gets the metrics beside `metrics.jsonl`; MLflow and W&B are extras of the package."""
    good_from_step: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    """With fewer steps the voice's card says that it is untrained. `auto`: 10000, and 0 for a run
    that starts from the built-in voice, which is trained."""
    num_workers: int = Field(default=0, ge=0)
    """Processes that prepare batches beside the one that trains."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    processes: int = Field(default=1, gt=0)
    """How many train together on this machine, one a GPU; torchrun and `fabric run` say it
    themselves."""
    cuda_graphs: bool | Literal["auto"] = "auto"
    """Record the step of each length of batch once and replay it, on one CUDA device in fp32 or
    bf16. `auto`: wherever that is so, of compiled networks with `fixed_length` only. Measured in
    docs/training-on-a-gpu.md."""
    compile: bool = False
    """Compile the networks (torch.compile), on CUDA only: twice the speed for large batches, with
    `fixed_length` and graphs. Needs a C compiler, and takes minutes at the first start."""

    @property
    def resolved_batch_size(self) -> int:
        """Clips a step, once `auto` has been decided.

        Raises:
            ValueError: it has not.
        """
        return _decided("batch_size", self.batch_size)

    @property
    def resolved_max_steps(self) -> int:
        """Where training ends, once `auto` has been decided.

        Raises:
            ValueError: it has not.
        """
        return _decided("max_steps", self.max_steps)

    @property
    def resolved_warm_up_steps(self) -> int:
        """Steps over which the learning rate rises, once `auto` has been decided.

        Raises:
            ValueError: it has not.
        """
        return _decided("warm_up_steps", self.warm_up_steps)

    @property
    def resolved_good_from_step(self) -> int:
        """From where a voice counts as trained, once `auto` has been decided.

        Raises:
            ValueError: it has not.
        """
        return _decided("good_from_step", self.good_from_step)


def _decided(name: str, value: int | Literal["auto"]) -> int:
    if value == "auto":
        raise ValueError(f"train.{name} is auto and has not been decided yet")
    return value
