"""The features of one waveform, as a configuration asks for them."""

from functools import cached_property

import numpy as np
import torch

from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress, silent
from ezrvc_features.config import FeatureConfig
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.registry import encoder_entry, encoder_version, load_encoder
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.f0.registry import configured_f0_estimator
from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_features.store.record import Artefact, FeaturePlan, Recipe
from ezrvc_features.volume import frame_volume

_VOLUME_VERSION = "1"
_SPECTROGRAM_VERSION = "1"
"""Change these when `frame_volume` or `linear_spectrogram` gives other numbers."""


class FeatureExtractor:
    """Computes features; each model is loaded when it is first needed, and once.

    Every method takes sound of any rate and mixes several channels to one. Pitch, volume and
    spectrogram come on the frame grid; content at the encoder's own rate.

    Args:
        config: which encoder and pitch method.
        frames: the grid.
        device: where networks run, see `ezrvc_device.resolve_device`.
        progress: is told how far the download of weights is, if one is needed.
    """

    def __init__(
        self,
        config: FeatureConfig,
        frames: FrameSpec,
        device: str = "auto",
        progress: Progress = silent,
    ) -> None:
        self.config = config
        self.frames = frames
        self.device = device
        self._progress = progress

    @cached_property
    def encoder(self) -> ContentEncoder:
        """The content encoder.

        Raises:
            FeatureError: unknown name, or weights that are not here or cannot be used.
        """
        return load_encoder(
            self.config.encoder,
            device=self.device,
            weights=self.config.encoder_weights,
            progress=self._progress,
        )

    @cached_property
    def estimator(self) -> F0Estimator:
        """The pitch estimator.

        Raises:
            FeatureError: unknown name, or a range that the method does not have.
        """
        return configured_f0_estimator(self.config.f0, device=self.device, progress=self._progress)

    def content(self, waveform: Waveform) -> torch.Tensor:
        """What is said: float32, (dim, n_content_frames)."""
        return self.encoder.encode(waveform)

    def f0(self, waveform: Waveform, *, speech: Waveform | None = None) -> F0Curve:
        """The pitch, `frames.n_frames_of(waveform)` frames.

        Args:
            waveform: the sound.
            speech: the same at 16 kHz, if it is there already: all methods listen at that rate.
        """
        if speech is None:
            return self.estimator.estimate(waveform.mono(), self.frames)
        n_frames = self.frames.n_frames_of(waveform)
        missing = 0
        while self.frames.n_frames_of(_extended(speech, missing)) < n_frames:
            missing += 1  # a sample or two, where rounding took the last frame's end
        curve = self.estimator.estimate(_extended(speech, missing).mono(), self.frames)
        return F0Curve(curve.hz[:n_frames], curve.voiced[:n_frames])

    def volume(self, waveform: Waveform) -> torch.Tensor:
        """Frame RMS: float32, (n_frames,)."""
        return frame_volume(self._on_grid(waveform), self.frames.hop_length)[0]

    def spectrogram(self, waveform: Waveform, n_fft: int) -> torch.Tensor:
        """Linear magnitudes: float32, (n_fft // 2 + 1, n_frames)."""
        return linear_spectrogram(self._on_grid(waveform), n_fft, self.frames.hop_length)[0]

    def plan(self, n_fft: int) -> FeaturePlan:
        """What makes each feature file, loading no encoder; but what it needs is fetched.

        Raises:
            FeatureError: as for `encoder` and `estimator`.
        """
        config, f0 = self.config, self.config.f0
        grid = {"sample_rate": self.frames.sample_rate, "hop_length": self.frames.hop_length}
        plan = {
            Artefact.CONTENT: Recipe(
                extractor=config.encoder,
                version=encoder_version(config.encoder, config.encoder_weights, self._progress),
                settings={"frame_rate_hz": encoder_entry(config.encoder).frame_rate_hz},
            ),
            Artefact.F0: Recipe(
                extractor=f0.method,
                version=self.estimator.version,
                settings={
                    "min_hz": f0.min_hz,
                    "max_hz": f0.max_hz,
                    "voicing_threshold": f0.voicing_threshold,
                    **grid,
                },
            ),
            Artefact.VOLUME: Recipe(extractor="rms", version=_VOLUME_VERSION, settings={**grid}),
        }
        if config.cache_spectrogram:
            plan[Artefact.SPECTROGRAM] = Recipe(
                extractor="linear", version=_SPECTROGRAM_VERSION, settings={**grid, "n_fft": n_fft}
            )
        return plan

    def _on_grid(self, waveform: Waveform) -> torch.Tensor:
        """Mono samples at the grid's rate, (1, n_samples)."""
        mono = resample(waveform.mono(), self.frames.sample_rate)
        if self.frames.n_frames(mono.n_samples) == 0:
            raise FeatureError(
                f"the sound lasts {waveform.duration_s * 1000:.1f} ms, less than one frame of "
                f"{1000 / self.frames.frame_rate_hz:.1f} ms"
            )
        return torch.from_numpy(mono.samples)


def _extended(waveform: Waveform, n_samples: int) -> Waveform:
    """The sound with so many samples of silence after it."""
    if n_samples == 0:
        return waveform
    samples = np.pad(waveform.samples, ((0, 0), (0, n_samples)))
    return Waveform(samples, waveform.sample_rate)
