import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_features.errors import FeatureError
from ezrvc_features.volume import frame_volume


def test_hand_computed_frames() -> None:
    # Hop 4: frame 0 reflects samples 2 and 1 in front of 0 and 1; frame 1 is samples 2 to 5.
    samples = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    expected = [math.sqrt((9 + 4 + 1 + 4) / 4), math.sqrt((9 + 16 + 25 + 36) / 4)]
    torch.testing.assert_close(frame_volume(samples, 4), torch.tensor(expected))


def test_a_sine_has_its_amplitude_over_root_two() -> None:
    samples = 0.5 * torch.sin(2 * torch.pi * torch.arange(4096) / 32)
    torch.testing.assert_close(
        frame_volume(samples, 512), torch.full((8,), 0.5 / math.sqrt(2)), rtol=1e-3, atol=0
    )


@given(n_samples=st.integers(1, 200), hop=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_frames_are_whole_hops(n_samples: int, hop: int) -> None:
    samples = torch.ones(2, n_samples)
    if n_samples < hop:
        with pytest.raises(FeatureError, match="shorter than one frame"):
            frame_volume(samples, hop)
    else:
        volume = frame_volume(samples, hop)
        assert torch.equal(volume, torch.ones(2, n_samples // hop))


@given(hop=st.integers(1, 16), start=st.integers(0, 20), length=st.integers(3, 20))
@settings(max_examples=60, deadline=None)
def test_a_window_gives_the_frames_of_the_whole(hop: int, start: int, length: int) -> None:
    samples = torch.rand(45 * hop, generator=torch.Generator().manual_seed(hop)) - 0.5
    whole = frame_volume(samples, hop)
    window = frame_volume(samples[start * hop : (start + length) * hop], hop)
    assert torch.equal(window[1:-1], whole[start + 1 : start + length - 1])
    if start == 0:
        assert torch.equal(window[0], whole[0])
