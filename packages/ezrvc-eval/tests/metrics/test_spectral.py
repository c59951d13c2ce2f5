"""Distances of spectra where the answer is known."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ezrvc_audio.resampling import resample
from ezrvc_audio.testing import noise, silence, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_eval.items import Take
from ezrvc_eval.metrics.alignment import cepstra_of, warping_path
from ezrvc_eval.metrics.spectral import (
    SpectralMeter,
    cepstral_distance_db,
    log_spectral_distance,
    mel_cepstral_distortion,
    multi_resolution_distance,
)


def measured(reference: Waveform, converted: Waveform) -> dict[str, float]:
    take = Take(name="x", converted=converted, reference=reference)
    return {name: score.value for name, score in SpectralMeter().measure(take).scores.items()}


def louder(waveform: Waveform, gain: float) -> Waveform:
    return Waveform(waveform.samples * np.float32(gain), waveform.sample_rate)


def test_identical_recordings_have_no_distance() -> None:
    spoken = speech_like(1.5, 24000)
    assert measured(spoken, spoken) == {"mcd": 0.0, "lsd": 0.0, "mr_stft": 0.0}


def test_a_gain_is_a_distance_of_spectra_but_not_of_cepstra() -> None:
    hiss = noise(1.0, 16000, amplitude=0.4)
    found = measured(hiss, louder(hiss, 0.5))
    assert found["lsd"] == pytest.approx(6.02, abs=0.02)
    assert found["mcd"] == pytest.approx(0, abs=0.01)
    assert found["mr_stft"] == pytest.approx(0.5 + np.log(2), abs=0.01)


@pytest.mark.parametrize("order", [1, 7, 24])
def test_mcd_is_the_rms_of_a_ripple_in_db(order: int) -> None:
    """An envelope that ripples by 3 dB along the mel axis lies 3 / sqrt 2 dB away."""
    n_mels = 80
    flat = np.zeros((n_mels, 5))
    ripple = np.cos(np.pi * order * (np.arange(n_mels) + 0.5) / n_mels)[:, None]
    rippled = flat + 3.0 / (20 / np.log(10)) * ripple
    distance = cepstral_distance_db(cepstra_of(flat), cepstra_of(rippled))
    assert distance == pytest.approx(3 / np.sqrt(2))


def test_warping_follows_a_recording_that_waits() -> None:
    steps = np.arange(6.0)[None]
    waiting = np.array([[0, 1, 2, 2, 2, 3, 4, 5]], float)
    left, right = warping_path(steps, waiting)
    assert (steps[:, left] == waiting[:, right]).all()
    assert (left[0], right[0], left[-1], right[-1]) == (0, 0, 5, 7)


def test_long_recordings_are_warped_in_pieces() -> None:
    long = np.random.default_rng(0).standard_normal((2, 4500))
    left, right = warping_path(long, long)
    assert (left == right).all()
    assert set(left) == set(range(4500))


def test_mcd_forgives_timing_but_not_another_sound() -> None:
    spoken = speech_like(1.5, 16000, seed=1)
    paused = Waveform(
        np.insert(spoken.samples, np.full(4000, 8000), 0.0, axis=1), spoken.sample_rate
    )
    other = speech_like(1.5, 16000, seed=2, formant_scale=1.3)
    assert mel_cepstral_distortion(spoken, paused) < mel_cepstral_distortion(spoken, other) / 3
    assert "lsd" not in measured(spoken, paused)


def test_rates_are_brought_together() -> None:
    spoken = speech_like(1.0, 16000)
    assert measured(spoken, resample(spoken, 44100))["mcd"] < 1  # only the edge at 8 kHz changed


def test_more_noise_is_farther() -> None:
    spoken = speech_like(1.0, 16000)
    hiss = noise(1.0, 16000, amplitude=0.2).samples
    near, far = (
        Waveform((spoken.samples + hiss * gain).astype(np.float32), 16000) for gain in (0.01, 0.1)
    )
    for name, value in measured(spoken, near).items():
        assert 0 < value < measured(spoken, far)[name]


def test_spectral_convergence_and_log_magnitude_add_up() -> None:
    hiss = torch.from_numpy(noise(1.0, 16000, amplitude=0.5).samples)
    assert multi_resolution_distance(hiss, 2 * hiss) == pytest.approx(1 + np.log(2), abs=0.01)
    assert log_spectral_distance(hiss, -hiss) == 0


def test_multi_resolution_distance_is_that_of_the_paper_written_out() -> None:
    """Frobenius norms and mean logarithms of spectra taken frame by frame, by its numbers."""
    left, right = (noise(0.5, 24000, seed=seed, amplitude=0.3).samples[0] for seed in (1, 2))
    expected: list[float] = []
    for n_fft, hop, window in ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)):
        true, made = (magnitudes(each, n_fft, hop, window) for each in (left, right))
        convergence = np.linalg.norm(true - made) / np.linalg.norm(true)
        floor = np.sqrt(1e-7)
        logs = np.log(np.maximum(true, floor)) - np.log(np.maximum(made, floor))
        expected.append(float(convergence + np.abs(logs).mean()))
    found = multi_resolution_distance(torch.from_numpy(left[None]), torch.from_numpy(right[None]))
    assert found == pytest.approx(np.mean(expected), rel=1e-4)


def magnitudes(
    samples: NDArray[np.float32], n_fft: int, hop: int, window: int
) -> NDArray[np.float64]:
    """Of frames under a periodic Hann window amid zeros, about every hop-th sample."""
    shape = np.zeros(n_fft)
    start = (n_fft - window) // 2
    shape[start : start + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    padded = np.pad(samples.astype(np.float64), n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    return np.abs(np.fft.rfft(frames * shape))


def test_log_spectral_distance_is_a_root_mean_square_over_frequency() -> None:
    """Half of the band 6 dB louder: 6 dB * sqrt(1/2), in every frame."""
    hiss = noise(2.0, 16000, amplitude=0.4).samples[0].astype(np.float64)
    spectrum = np.fft.rfft(hiss)
    spectrum[len(spectrum) // 2 :] *= 2
    louder_above = np.fft.irfft(spectrum, len(hiss))
    left, right = (torch.from_numpy(each[None]) for each in (hiss, louder_above))
    assert log_spectral_distance(left, right) == pytest.approx(6.02 * np.sqrt(1 / 2), abs=0.15)


def test_of_silence_no_spectrum_is_told() -> None:
    spoken, nothing = speech_like(1.0, 16000), silence(1.0, 16000)
    for reference, converted in ((spoken, nothing), (nothing, spoken)):
        take = Take(name="x", converted=converted, reference=reference)
        found = SpectralMeter().measure(take)
        assert not found.scores
        assert found.notes == ("mcd, lsd, mr_stft: there is only silence",)
