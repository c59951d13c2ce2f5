import pytest
import torch

from ezrvc_model.errors import ModelError
from ezrvc_model.noise import TorchNoise, ZeroNoise
from ezrvc_model.synthesizer.embeddings import SpeakerEmbedding
from ezrvc_model.synthesizer.log_f0 import centre, f0_of, log_f0
from ezrvc_model.synthesizer.masks import frame_mask
from ezrvc_model.synthesizer.slicing import draw_starts, take_slices


@pytest.mark.parametrize(
    ("speaker", "message"),
    [
        (torch.zeros(1, 1, dtype=torch.int64), r"rows must be \(batch,\), got \(1, 1\)"),
        (torch.zeros(1, 3), r"must be \(batch, 2\)"),
        (torch.zeros(2), r"got \(2,\)"),
    ],
)
def test_speakers_of_another_shape_are_refused(speaker, message):
    with pytest.raises(ModelError, match=message):
        SpeakerEmbedding(2, 4)(speaker)


def test_masks_cover_the_lengths():
    assert frame_mask(torch.tensor([2, 0, 3]), 3, torch.float32).tolist() == [
        [[1, 1, 0]],
        [[0, 0, 0]],
        [[1, 1, 1]],
    ]


def test_slices_are_cut_where_they_start():
    x = torch.arange(20.0).view(2, 1, 10)
    assert take_slices(x, torch.tensor([0, 7]), 3).tolist() == [[[0, 1, 2]], [[17, 18, 19]]]
    assert take_slices(x[:, 0], torch.tensor([1, 2]), 2).tolist() == [[1, 2], [12, 13]]


def test_slices_start_anywhere_within_the_clip_and_nowhere_else():
    lengths = torch.tensor([5, 12]).repeat(400)
    starts = draw_starts(lengths, 4, TorchNoise.seeded(0)).view(400, 2)
    assert set(starts[:, 0].tolist()) == {0, 1}
    assert set(starts[:, 1].tolist()) == set(range(9))
    assert draw_starts(lengths, 4, ZeroNoise()).sum() == 0


def test_noise_repeats_with_its_seed_on_any_type_of_tensor():
    like = torch.zeros(1, dtype=torch.float64)
    first, again, other = (TorchNoise.seeded(seed).normal((3, 4), like) for seed in (1, 1, 2))
    assert first.dtype == torch.float64
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    drawn = TorchNoise.seeded(1).uniform((1000,), like, low=-0.2, high=0.2)
    assert -0.2 <= drawn.min() < -0.19
    assert 0.19 < drawn.max() < 0.2


def test_log_f0_is_the_mel_of_500_and_comes_back():
    assert log_f0(torch.tensor(700.0)).item() == pytest.approx(2595 * 0.30103 / 500, rel=1e-5)
    hz = torch.tensor([0.0, 50.0, 220.0, 1100.0])
    torch.testing.assert_close(f0_of(log_f0(hz)), hz, rtol=1e-5, atol=1e-4)


def test_centring_takes_the_mean_of_voiced_frames_away():
    value = torch.tensor([[1.0, 3.0, 8.0, 9.0], [5.0, 6.0, 7.0, 8.0]])
    voiced = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    scale = torch.tensor([[2.0], [1.0]])
    assert centre(value, voiced, mask, scale).tolist() == [[-2, 2, 12, 0], [5, 6, 7, 8]]
