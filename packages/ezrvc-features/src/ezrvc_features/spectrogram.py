"""Linear and mel spectrograms, defined once for losses, vocoders and the feature store.

Every spectrogram here has exactly `n_samples // hop_length` frames: the signal is extended by
`n_fft - hop_length` samples (half on each side, by reflection) and analysed without further
centring, so frame i is centred at sample `(i + 1/2) * hop_length`. All functions are
differentiable, work on any device and compute in at least float32, under autocast too.
"""

import functools
from dataclasses import dataclass

import librosa
import torch
from torch.nn import functional

from ezrvc_features.errors import FeatureError

SPECTROGRAM_EPSILON = 1e-6
"""Added to the power before the root, in the spectrogram of SoVITS and VITS."""
VOCODER_EPSILON = 1e-9
"""Added to the power before the root, in the mel of NSF-HiFiGAN (openvpi) vocoders."""
LOG_FLOOR = 1e-5
"""Smallest mel magnitude that is told from silence before the logarithm."""


@dataclass(frozen=True)
class MelSpec:
    """Which mel bands are taken from which spectrum.

    Attributes:
        sample_rate: Hz.
        n_fft: points of the transform.
        n_mels: bands.
        fmin_hz: lower edge of the lowest band.
        fmax_hz: upper edge of the highest band; None: half the sample rate.
    """

    sample_rate: int
    n_fft: int
    n_mels: int
    fmin_hz: float = 0.0
    fmax_hz: float | None = None

    def __post_init__(self) -> None:
        if self.sample_rate <= 0 or self.n_fft <= 0 or self.n_mels <= 0:
            raise ValueError(f"a mel needs a positive rate, n_fft and n_mels, got {self}")
        top = self.sample_rate / 2 if self.fmax_hz is None else self.fmax_hz
        if not 0 <= self.fmin_hz < top:
            raise ValueError(f"a mel needs 0 <= fmin_hz < fmax_hz, got {self}")

    @property
    def n_bins(self) -> int:
        """Bins of the linear spectrum that the bands are taken from."""
        return self.n_fft // 2 + 1


NSF_HIFIGAN_MEL = MelSpec(sample_rate=44100, n_fft=2048, n_mels=128, fmin_hz=40, fmax_hz=16000)
"""The mel of the openvpi NSF-HiFiGAN vocoders; taken with hop 512 and `VOCODER_EPSILON`."""


def reflect_pad(samples: torch.Tensor, left: int, right: int) -> torch.Tensor:
    """Extend the last axis by reflection about the first and last sample.

    Where the signal is too short to supply the reflection, it is reflected back and forth as
    often as needed (as `numpy.pad(mode="reflect")` does); a single sample is repeated.

    Args:
        samples: (..., n_samples), at least one sample.
        left: samples to add in front.
        right: samples to add behind.

    Raises:
        FeatureError: there is no sample to reflect.
    """
    n_samples = samples.shape[-1]
    if n_samples == 0:
        raise FeatureError("cannot pad an empty signal: it has no samples to reflect")
    if samples.ndim in (2, 3) and max(left, right) < n_samples:
        return functional.pad(samples, (left, right), mode="reflect")
    period = max(2 * (n_samples - 1), 1)
    position = torch.arange(-left, n_samples + right, device=samples.device).remainder(period)
    return samples[..., torch.minimum(position, period - position) if n_samples > 1 else position]


def linear_spectrogram(
    samples: torch.Tensor,
    n_fft: int,
    hop_length: int,
    *,
    epsilon: float = SPECTROGRAM_EPSILON,
) -> torch.Tensor:
    """Magnitudes of the short-time Fourier transform, as VITS and so-vits-svc 4.1 take them.

    A periodic Hann window of n_fft samples; magnitude is sqrt(re² + im² + epsilon), so that its
    gradient stays finite at zero. Input shorter than the padding is reflected repeatedly, see
    `reflect_pad`.

    Args:
        samples: (batch, n_samples), floating point.
        n_fft: points of the transform and of the window; at least hop_length.
        hop_length: samples from one frame to the next.
        epsilon: added to the power before the root.

    Returns:
        (batch, n_fft // 2 + 1, n_samples // hop_length), float32 (float64 for float64 input).

    Raises:
        FeatureError: the input is shorter than one hop, or n_fft is smaller than hop_length.
    """
    return _magnitudes(samples, n_fft, hop_length, epsilon)


def mel_filterbank(
    mel: MelSpec, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Triangular bands on Slaney's mel scale with unit area (librosa's definition).

    Built once for each mel, device and type; the result is shared, so do not change it in place.

    Returns:
        (n_mels, n_bins).
    """
    return _mel_filterbank(mel, torch.device(device), dtype)


def compress(magnitudes: torch.Tensor) -> torch.Tensor:
    """Natural logarithm of magnitudes, with everything below `LOG_FLOOR` raised to it."""
    return magnitudes.clamp(min=LOG_FLOOR).log()


def spectrogram_to_mel(spectrogram: torch.Tensor, mel: MelSpec) -> torch.Tensor:
    """The log-mel spectrogram of linear magnitudes.

    Args:
        spectrogram: (batch, n_bins, n_frames) linear magnitudes.
        mel: the bands; its n_bins must be those of the spectrogram.

    Returns:
        (batch, n_mels, n_frames), natural logarithm.

    Raises:
        FeatureError: the spectrogram has other bins than the mel expects.
    """
    if spectrogram.shape[-2] != mel.n_bins:
        raise FeatureError(
            f"the mel expects {mel.n_bins} bins (n_fft {mel.n_fft}), "
            f"the spectrogram has {spectrogram.shape[-2]}"
        )
    with torch.autocast(spectrogram.device.type, enabled=False):
        wide = _at_least_float32(spectrogram)
        bands = mel_filterbank(mel, device=wide.device, dtype=wide.dtype)
        return compress(bands @ wide)


def mel_spectrogram(
    samples: torch.Tensor,
    mel: MelSpec,
    hop_length: int,
    *,
    epsilon: float = SPECTROGRAM_EPSILON,
    key_shift_semitones: float = 0.0,
) -> torch.Tensor:
    """The log-mel spectrogram of a signal.

    With the default epsilon this is the mel of VITS losses; with `VOCODER_EPSILON` and
    `NSF_HIFIGAN_MEL` that of the openvpi NSF-HiFiGAN vocoders.

    A key shift analyses the signal as if its pitch were that many semitones higher, without
    changing its duration: the window and the transform grow by 2^(shift/12) and the bins keep
    their numbers (dropped or filled with zeros at the top), as DiffSinger's augmentation does.

    Args:
        samples: (batch, n_samples).
        mel: the bands.
        hop_length: samples from one frame to the next.
        epsilon: added to the power before the root.
        key_shift_semitones: pitch shift to emulate.

    Returns:
        (batch, n_mels, n_samples // hop_length), natural logarithm.

    Raises:
        FeatureError: the input is shorter than one hop, or the (shifted) n_fft is smaller than
            hop_length.
    """
    n_fft = round(mel.n_fft * 2 ** (key_shift_semitones / 12))
    magnitudes = _magnitudes(samples, n_fft, hop_length, epsilon)
    if n_fft != mel.n_fft:
        missing = max(mel.n_bins - magnitudes.shape[-2], 0)
        magnitudes = functional.pad(magnitudes, (0, 0, 0, missing))
        magnitudes = magnitudes[..., : mel.n_bins, :] * (mel.n_fft / n_fft)
    return spectrogram_to_mel(magnitudes, mel)


def _magnitudes(samples: torch.Tensor, n_fft: int, hop_length: int, epsilon: float) -> torch.Tensor:
    if samples.shape[-1] < hop_length:
        raise FeatureError(
            f"{samples.shape[-1]} samples are shorter than one frame of {hop_length}: pad them"
        )
    if n_fft < hop_length:
        raise FeatureError(f"n_fft {n_fft} must be at least the hop length {hop_length}")
    with torch.autocast(samples.device.type, enabled=False):
        wide = _at_least_float32(samples)
        padding = n_fft - hop_length
        padded = reflect_pad(wide, padding // 2, padding - padding // 2)
        spectrum = torch.stft(
            padded,
            n_fft,
            hop_length=hop_length,
            window=_hann_window(n_fft, wide.device, wide.dtype),
            center=False,
            return_complex=True,
        )
        return (torch.view_as_real(spectrum).square().sum(dim=-1) + epsilon).sqrt()


def _at_least_float32(values: torch.Tensor) -> torch.Tensor:
    return values if values.dtype == torch.float64 else values.float()


# The shared tensors are built outside inference mode, so that training may use what a validation
# pass built first.


@functools.lru_cache(maxsize=64)
def _hann_window(n_fft: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    with torch.inference_mode(mode=False):
        return torch.hann_window(n_fft, dtype=torch.float64).to(device=device, dtype=dtype)


@functools.lru_cache(maxsize=64)
def _mel_filterbank(mel: MelSpec, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    bands = librosa.filters.mel(
        sr=mel.sample_rate,
        n_fft=mel.n_fft,
        n_mels=mel.n_mels,
        fmin=mel.fmin_hz,
        fmax=mel.fmax_hz,
        htk=False,
        norm="slaney",
        dtype="float64",
    )
    with torch.inference_mode(mode=False):
        return torch.from_numpy(bands).to(dtype=dtype).to(device=device)
