import numpy as np
import pytest
import torch

from ezrvc_model.conversion import source_phase
from ezrvc_model.conversion.source_phase import partial_phases
from ezrvc_model.noise import ZeroNoise
from ezrvc_model.vocoders.sine_source import SineSource

HOP = 256


def test_a_held_pitch_goes_through_its_cycles() -> None:
    f0 = np.full(4, 150.0, np.float32)  # 1.6 cycles a frame, the overtone 3.2
    phases = partial_phases(SineSource(24000, HOP, 1), f0, seed=3, stream=0)
    assert phases[:, 0] == pytest.approx([0, 0.6, 0.2, 0.8], abs=1e-6)
    first = phases[0, 1]
    assert 0 < first < 1
    assert (phases[:, 1] - first) % 1 == pytest.approx([0, 0.2, 0.4, 0.6], abs=1e-5)


def test_it_is_right_after_hours() -> None:
    n_frames = 1_000_000  # three hours
    f0 = np.full(n_frames, 468.75, np.float32)  # 5 cycles a frame: the quotient is exact
    f0[0] = 500.0  # 5 and a third
    phases = partial_phases(SineSource(24000, HOP, 0), f0, seed=0, stream=0)
    assert phases[-1, 0] == pytest.approx(1 / 3, abs=1e-5)


@pytest.mark.parametrize("frames_at_once", [7, 4096])
@pytest.mark.parametrize("start", [1, 50, 399])
def test_a_source_started_anywhere_goes_on_as_the_whole(
    monkeypatch: pytest.MonkeyPatch, start: int, frames_at_once: int
) -> None:
    monkeypatch.setattr(source_phase, "_FRAMES_AT_ONCE", frames_at_once)
    source = SineSource(24000, HOP, 8).requires_grad_(False)
    f0 = np.random.default_rng(0).uniform(60, 700, 400).astype(np.float32)
    phases = torch.from_numpy(partial_phases(source, f0, seed=5, stream=1))
    hz = torch.from_numpy(f0)[None]
    whole = source(hz, start_phase=phases[:1], noise=ZeroNoise()).samples
    late = source(hz[:, start:], start_phase=phases[start : start + 1], noise=ZeroNoise()).samples
    torch.testing.assert_close(late, whole[:, :, start * HOP :], atol=1e-6, rtol=0)
