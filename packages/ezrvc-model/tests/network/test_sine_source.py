import math

import numpy as np
import pytest
import torch

from ezrvc_model.noise import TorchNoise, ZeroNoise
from ezrvc_model.vocoders import sine_source
from ezrvc_model.vocoders.sine_source import SineSource


def make(n_harmonics: int = 3, hop_length: int = 40, sample_rate: int = 8000) -> SineSource:
    torch.manual_seed(0)
    return SineSource(sample_rate, hop_length, n_harmonics).requires_grad_(False)


def scanned(source: SineSource, f0: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The excitation by its definition: phases summed sample by sample, without noise."""
    hz = np.repeat(f0.astype(np.float64), source.hop_length)
    weight, bias = source.mix.weight[0].double().numpy(), source.mix.bias[0].item()
    total = np.zeros(len(hz))
    for partial in range(source.n_partials):
        cycles = start[partial] + np.cumsum(hz * (partial + 1) / source.sample_rate)
        total += weight[partial] * 0.1 * np.sin(2 * math.pi * cycles) * (hz > 0)
    return np.tanh(total + bias)


def test_it_is_the_sum_over_samples():
    source = make()
    f0 = np.array([100, 113.7, 0, 0, 250.2, 249, 99.9] * 30, dtype=np.float32)
    start = torch.tensor([[0.0, 0.25, 0.5, 0.9]])
    made = source(torch.from_numpy(f0)[None], start_phase=start, noise=ZeroNoise())
    expected = scanned(source, f0, start[0].numpy())
    assert made.samples.shape == (1, 1, len(f0) * 40)
    assert np.abs(made.samples[0, 0].numpy() - expected).max() < 1e-5


def test_hours_do_not_wear_the_phase_out():
    source = make(n_harmonics=0, hop_length=400, sample_rate=8192)
    f0 = torch.full((1, 80_000), 440.25)  # more than an hour
    first = source(f0[:, :4], noise=ZeroNoise())
    late = source(f0, noise=ZeroNoise()).samples[:, :, -4 * 400 :]
    rest = 440.25 * 400 * 79_996 / 8192 % 1  # of a cycle
    shifted = source(f0[:, :4], start_phase=torch.tensor([[rest]]), noise=ZeroNoise())
    assert first.samples.shape == late.shape
    torch.testing.assert_close(late, shifted.samples, atol=1e-6, rtol=0)


def test_pieces_carried_by_their_phase_are_the_whole():
    source = make()
    f0 = torch.rand(2, 31) * 300
    start = torch.rand(2, 4)
    whole = source(f0, start_phase=start, noise=ZeroNoise())
    first = source(f0[:, :12], start_phase=start, noise=ZeroNoise())
    second = source(f0[:, 12:], start_phase=first.end_phase, noise=ZeroNoise())
    joined = torch.cat([first.samples, second.samples], dim=2)
    torch.testing.assert_close(joined, whole.samples, atol=1e-6, rtol=0)
    gap = (second.end_phase - whole.end_phase + 0.5) % 1 - 0.5
    assert gap.abs().max() < 1e-5


@pytest.mark.parametrize("frames_at_once", [1, 4])
def test_frames_at_a_time_change_nothing(monkeypatch, frames_at_once):
    source = make(hop_length=64)  # whole groups of random draws in each frame
    f0 = torch.rand(1, 10) * 300
    whole = source(f0, noise=TorchNoise.seeded(1))
    monkeypatch.setattr(sine_source, "FRAMES_AT_ONCE", frames_at_once)
    pieces = source(f0, noise=TorchNoise.seeded(1))
    torch.testing.assert_close(pieces.samples, whole.samples)


def test_unvoiced_frames_are_noise_a_third_as_high_as_the_sines():
    source = make(n_harmonics=0)
    torch.nn.init.ones_(source.mix.weight)
    torch.nn.init.zeros_(source.mix.bias)
    quiet = source(torch.zeros(1, 500), noise=TorchNoise.seeded(0)).samples
    assert quiet.std().item() == pytest.approx(0.1 / 3, rel=0.05)
    f0 = torch.full((1, 500), 200.0)
    hissing = source(f0, noise=TorchNoise.seeded(0)).samples
    hiss = hissing.atanh() - source(f0, noise=ZeroNoise()).samples.atanh()
    assert hiss.std().item() == pytest.approx(0.003, rel=0.05)


def test_only_overtones_start_at_random():
    class Recorded(ZeroNoise):
        def uniform(self, shape, like, *, low=0.0, high=1.0):
            return torch.full(tuple(shape), 0.25)

    made = make()(torch.full((1, 1), 0.0), noise=Recorded())
    assert made.end_phase.tolist() == [[0.0, 0.25, 0.25, 0.25]]


def test_summed_hiss_is_as_loud_as_that_of_all_partials():
    source = make(n_harmonics=8)
    f0 = torch.tensor([[200.0] * 300 + [0.0] * 300])
    silent = source(f0, noise=ZeroNoise()).samples
    torch.testing.assert_close(source(f0, noise=ZeroNoise(), summed_hiss=True).samples, silent)
    start = torch.zeros(1, 9)
    sines = source(f0, start_phase=start, noise=ZeroNoise()).samples.atanh()[0, 0]
    hisses = [
        source(f0, start_phase=start, noise=TorchNoise.seeded(1), summed_hiss=summed)
        .samples[0, 0]
        .atanh()
        .sub(sines)
        .unflatten(0, (2, -1))
        .std(dim=1)
        for summed in (False, True)
    ]
    weight = float(source.mix.weight.norm())
    expected = torch.tensor([0.003 * weight, 0.1 / 3 * weight])
    for hiss in hisses:
        torch.testing.assert_close(hiss, expected, rtol=0.03, atol=0)
