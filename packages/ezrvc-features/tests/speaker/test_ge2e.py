"""What the speaker network is fed, against its definition."""

import librosa
import numpy as np
import pytest
import torch

from ezrvc_features.speaker.ge2e import (
    EMBEDDING_DIM,
    Ge2eNetwork,
    ge2e_mel,
    partial_starts,
    raise_level,
)


def test_the_mel_is_that_of_the_definition() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    expected = librosa.feature.melspectrogram(
        y=samples, sr=16000, n_fft=400, hop_length=160, n_mels=40
    )
    found = ge2e_mel(torch.from_numpy(samples)).numpy()
    assert found.shape == (40, 101)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("n_frames", "expected"),
    [
        (1, [0]),
        (160, [0]),
        (196, [0]),  # the second partial would hold 119 of its 160 frames
        (197, [0, 77]),  # 120 frames, three quarters
        (237, [0, 77]),
        (273, [0, 77]),
        (274, [0, 77, 154]),
    ],
)
def test_partials_begin_every_77_frames_while_they_are_covered(
    n_frames: int, expected: list[int]
) -> None:
    assert partial_starts(n_frames * 160) == expected


@pytest.mark.parametrize(("amplitude", "expected"), [(0.001, 10**-1.5), (0.1, 0.1)])
def test_faint_sound_is_raised_and_loud_sound_stays(amplitude: float, expected: float) -> None:
    square = np.float32(amplitude) * np.sign(np.sin(np.arange(1, 9000))).astype(np.float32)
    assert np.sqrt(np.mean(raise_level(square) ** 2)) == pytest.approx(expected, rel=1e-4)


def test_the_network_gives_directions() -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        found = Ge2eNetwork()(torch.rand(3, 40, 160))
    assert found.shape == (3, EMBEDDING_DIM)
    assert (found >= 0).all()
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(3))
