import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_features.errors import FeatureError
from ezrvc_features.spectrogram import (
    LOG_FLOOR,
    NSF_HIFIGAN_MEL,
    VOCODER_EPSILON,
    MelSpec,
    compress,
    linear_spectrogram,
    mel_filterbank,
    mel_spectrogram,
    reflect_pad,
    spectrogram_to_mel,
)

SMALL_MEL = MelSpec(sample_rate=16000, n_fft=512, n_mels=40)


def signal(n_samples: int, seed: int = 0, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, n_samples, generator=generator) - 0.5


def slow_spectrogram(samples: np.ndarray, n_fft: int, hop: int, epsilon: float) -> np.ndarray:
    """The published definition, frame by frame in double precision."""
    padding = n_fft - hop
    padded = np.pad(samples, (padding // 2, padding - padding // 2), mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    columns = [
        np.sqrt(np.abs(np.fft.rfft(window * padded[start : start + n_fft])) ** 2 + epsilon)
        for start in range(0, len(padded) - n_fft + 1, hop)
    ]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize(("n_fft", "hop"), [(512, 128), (512, 160), (512, 129), (64, 64)])
@pytest.mark.parametrize("n_samples", [129, 1000, 4096])
def test_linear_spectrogram_equals_its_definition(n_fft: int, hop: int, n_samples: int) -> None:
    samples = signal(max(n_samples, hop))
    found = linear_spectrogram(samples, n_fft, hop)[0].numpy()
    expected = slow_spectrogram(samples[0].double().numpy(), n_fft, hop, 1e-6)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@given(hop=st.integers(1, 40), extra=st.integers(0, 60), n_samples=st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_frames_are_whole_hops(hop: int, extra: int, n_samples: int) -> None:
    samples = signal(n_samples)
    if n_samples < hop:
        with pytest.raises(FeatureError, match=f"{n_samples} samples are shorter than one frame"):
            linear_spectrogram(samples, hop + extra, hop)
    else:
        assert linear_spectrogram(samples, hop + extra, hop).shape == (
            1,
            (hop + extra) // 2 + 1,
            n_samples // hop,
        )


@given(n_samples=st.integers(1, 9), left=st.integers(0, 30), right=st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_reflection_of_short_signals_is_that_of_numpy(
    n_samples: int, left: int, right: int
) -> None:
    samples = signal(n_samples, batch=2)
    expected = np.pad(samples.numpy(), ((0, 0), (left, right)), mode="reflect")
    np.testing.assert_array_equal(reflect_pad(samples, left, right).numpy(), expected)


def test_reflecting_nothing_is_an_error() -> None:
    with pytest.raises(FeatureError, match="empty signal"):
        reflect_pad(torch.zeros(1, 0), 4, 4)


def test_a_transform_shorter_than_the_hop_is_an_error() -> None:
    with pytest.raises(FeatureError, match="n_fft 64 must be at least the hop length 128"):
        linear_spectrogram(signal(1000), 64, 128)


def test_a_sine_on_a_bin_has_the_height_of_its_window_sum() -> None:
    n_fft, bin_number = 512, 32
    phase = 2 * torch.pi * bin_number * torch.arange(4096) / n_fft
    spectrum = linear_spectrogram(0.5 * phase.cos()[None], n_fft, 128)[0]
    # Half of the amplitude at the positive frequency times the sum of the Hann window.
    torch.testing.assert_close(
        spectrum[bin_number, 4:-4], torch.full((24,), 0.25 * n_fft / 2), rtol=1e-4, atol=0
    )
    assert spectrum[bin_number + 4 :, 4:-4].max() < 0.01


def test_silence_is_the_root_of_epsilon_and_has_a_finite_gradient() -> None:
    silence = torch.zeros(1, 1024, requires_grad=True)
    spectrum = linear_spectrogram(silence, 512, 128)
    torch.testing.assert_close(spectrum, torch.full_like(spectrum, 1e-3))
    mel_spectrogram(silence, SMALL_MEL, 128).sum().backward()
    assert silence.grad is not None
    assert torch.isfinite(silence.grad).all()


def test_gradient_is_that_of_finite_differences() -> None:
    samples = signal(96).double().requires_grad_()
    mel = MelSpec(sample_rate=16000, n_fft=64, n_mels=3)
    assert torch.autograd.gradcheck(lambda x: mel_spectrogram(x, mel, 32), samples)


def slaney_hz_to_mel(hz: float) -> float:
    """Slaney's Auditory Toolbox: 200/3 Hz a mel up to 1 kHz, then 27 logarithmic steps to 6.4."""
    return hz / (200 / 3) if hz < 1000 else 15 + np.log(hz / 1000) / (np.log(6.4) / 27)


def slaney_mel_to_hz(mel: float) -> float:
    return mel * 200 / 3 if mel < 15 else 1000 * np.exp((mel - 15) * np.log(6.4) / 27)


@pytest.mark.parametrize("fmax_hz", [None, 16000.0])
def test_filterbank_is_slaneys_triangles_of_unit_area(fmax_hz: float | None) -> None:
    mel = MelSpec(sample_rate=44100, n_fft=2048, n_mels=20, fmin_hz=40.0, fmax_hz=fmax_hz)
    edges = [
        slaney_mel_to_hz(m)
        for m in np.linspace(
            slaney_hz_to_mel(40.0), slaney_hz_to_mel(22050.0 if fmax_hz is None else fmax_hz), 22
        )
    ]
    hz = np.arange(1025) * 44100 / 2048
    for band, weights in enumerate(mel_filterbank(mel).numpy()):
        low, middle, high = edges[band : band + 3]
        rising, falling = (hz - low) / (middle - low), (high - hz) / (high - middle)
        expected = np.clip(np.minimum(rising, falling), 0, None) * 2 / (high - low)
        np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-8)


def test_filterbank_is_built_once() -> None:
    assert mel_filterbank(SMALL_MEL) is mel_filterbank(MelSpec(16000, 512, 40))


def test_a_filterbank_built_in_inference_mode_can_be_trained_with() -> None:
    mel = MelSpec(sample_rate=16000, n_fft=510, n_mels=37)
    with torch.inference_mode():
        mel_spectrogram(signal(1024), mel, 128)
    samples = signal(1024).requires_grad_()
    mel_spectrogram(samples, mel, 128).sum().backward()
    assert samples.grad is not None


def test_mel_is_the_logarithm_of_the_banded_spectrum() -> None:
    samples = signal(4000, batch=2)
    spectrum = linear_spectrogram(samples, 512, 128)
    expected = torch.log(torch.clamp(mel_filterbank(SMALL_MEL) @ spectrum, min=1e-5))
    torch.testing.assert_close(mel_spectrogram(samples, SMALL_MEL, 128), expected)
    torch.testing.assert_close(spectrogram_to_mel(spectrum, SMALL_MEL), expected)


def test_compression_stops_at_its_floor() -> None:
    logs = compress(torch.tensor([0.0, LOG_FLOOR / 2, LOG_FLOOR, 1.0, np.e]))
    torch.testing.assert_close(logs, torch.tensor([-11.512925, -11.512925, -11.512925, 0.0, 1.0]))


def test_autocast_and_half_input_still_compute_in_float32() -> None:
    samples = signal(4000)
    expected = mel_spectrogram(samples, SMALL_MEL, 128)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mel_spectrogram(samples, SMALL_MEL, 128), expected)
    assert mel_spectrogram(samples.half(), SMALL_MEL, 128).dtype == torch.float32


def test_a_foreign_number_of_bins_is_an_error() -> None:
    with pytest.raises(FeatureError, match=r"expects 257 bins .* has 513"):
        spectrogram_to_mel(torch.ones(1, 513, 4), SMALL_MEL)


@pytest.mark.parametrize("bad", [{"fmin_hz": 9000.0}, {"fmin_hz": 100.0, "fmax_hz": 50.0}])
def test_empty_bands_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="fmin_hz < fmax_hz"):
        MelSpec(sample_rate=16000, n_fft=512, n_mels=40, **bad)


@pytest.mark.parametrize("semitones", [12, -12, 5, -7])
def test_key_shift_moves_a_tone_and_keeps_its_level_and_length(semitones: int) -> None:
    time_s = torch.arange(44100) / 44100
    base = torch.sin(2 * torch.pi * 880 * time_s)[None]
    moved = torch.sin(2 * torch.pi * 880 * 2 ** (semitones / 12) * time_s)[None]

    def vocoder_mel(samples: torch.Tensor, shift: float) -> torch.Tensor:
        return mel_spectrogram(
            samples, NSF_HIFIGAN_MEL, 512, epsilon=VOCODER_EPSILON, key_shift_semitones=shift
        )

    emulated, real = vocoder_mel(base, semitones), vocoder_mel(moved, 0)
    assert emulated.shape == real.shape == (1, 128, 44100 // 512)
    inner = slice(8, -8)
    # The same bands lead, at the same level.
    torch.testing.assert_close(
        emulated.max(dim=1).values[:, inner], real.max(dim=1).values[:, inner], rtol=0, atol=0.1
    )
    assert torch.equal(emulated.argmax(dim=1)[:, inner], real.argmax(dim=1)[:, inner])


def test_key_shift_of_zero_is_the_plain_mel() -> None:
    samples = signal(4000)
    assert torch.equal(
        mel_spectrogram(samples, SMALL_MEL, 128, key_shift_semitones=0.0),
        mel_spectrogram(samples, SMALL_MEL, 128),
    )
