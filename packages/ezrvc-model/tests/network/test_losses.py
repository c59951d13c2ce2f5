"""Losses of numbers small enough to compute by hand."""

import dataclasses
import math

import pytest
import torch

from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.discriminators.judgement import Judgement
from ezrvc_model.errors import ModelError
from ezrvc_model.losses.adversarial import discriminator_loss, generator_loss
from ezrvc_model.losses.content import content_loss
from ezrvc_model.losses.f0 import f0_loss
from ezrvc_model.losses.feature_matching import feature_matching_loss
from ezrvc_model.losses.kl import kl_divergence, kl_loss
from ezrvc_model.losses.mel import mel_loss
from ezrvc_model.synthesizer.output import SynthesizerOutput


def judged(*values: list[float]) -> Judgement:
    tensors = tuple(torch.tensor([row]) for row in values)
    return Judgement(tensors, tuple((t, 2 * t) for t in tensors))


def test_least_squares_of_two_discriminators():
    real, fake = judged([1.0, 0.0], [2.0]), judged([0.0, 0.5], [-1.0])
    # (0 + 1) / 2 + (0 + 0.25) / 2, and 1 + 1
    assert discriminator_loss(real, fake).item() == pytest.approx(0.625 + 2)
    # (1 + 0.25) / 2, and 4
    assert generator_loss(fake).item() == pytest.approx(0.625 + 4)


def test_a_perfect_game_costs_nothing():
    ones, zeros = judged([1.0, 1.0]), judged([0.0, 0.0])
    assert discriminator_loss(ones, zeros).item() == 0
    assert generator_loss(ones).item() == 0
    assert feature_matching_loss(ones, ones).item() == 0


def test_feature_matching_is_twice_the_mean_distance_and_moves_only_the_made():
    real_map = torch.tensor([[1.0, 2.0]], requires_grad=True)
    made_map = torch.tensor([[2.0, 5.0]], requires_grad=True)
    logits = torch.zeros(1, 1)
    loss = feature_matching_loss(
        Judgement((logits,), ((real_map,),)), Judgement((logits,), ((made_map,),))
    )
    assert loss.item() == pytest.approx(2 * (1 + 3) / 2)
    loss.backward()
    assert real_map.grad is None
    assert made_map.grad is not None
    assert made_map.grad.tolist() == [[1, 1]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_feature_matching_of_many_maps_is_the_sum_of_its_terms(dtype):
    torch.manual_seed(0)
    shapes = [(2, 3, 50), (2, 4, 10, 2), (2, 1, 7)]
    real = [torch.randn(shape, dtype=dtype) for shape in shapes]
    made = [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]
    logits = torch.zeros(2, 1)
    loss = feature_matching_loss(
        Judgement((logits, logits), ((real[0],), (real[1], real[2]))),
        Judgement((logits, logits), ((made[0],), (made[1], made[2]))),
    )
    terms = [(t.float() - m.float()).abs().mean() for t, m in zip(real, made, strict=True)]
    expected = 2 * torch.stack(terms).sum()
    torch.testing.assert_close(
        loss, expected, rtol=1e-6 if dtype == torch.float32 else 1e-3, atol=0
    )
    gradients = [torch.autograd.grad(each, made) for each in (3 * loss, 3 * expected)]
    for found, wanted in zip(*gradients, strict=True):
        assert found.dtype == dtype
        torch.testing.assert_close(found, wanted)


def test_content_loss_is_the_mean_over_layers_and_moves_only_the_made():
    real = [torch.tensor([[[1.0, 2.0]]], requires_grad=True), torch.zeros(1, 1, 1)]
    made = [torch.tensor([[[2.0, 5.0]]], requires_grad=True), torch.tensor([[[-4.0]]])]
    loss = content_loss(made, real)
    assert loss.item() == pytest.approx(((1 + 3) / 2 + 4) / 2)
    loss.backward()
    assert real[0].grad is None
    assert made[0].grad is not None
    assert made[0].grad.tolist() == [[[0.25, 0.25]]]
    assert content_loss(real, real).item() == 0


def test_logits_count_by_their_discriminator_however_many_they_are():
    torch.manual_seed(0)
    real, fake = ([torch.randn(3, n, requires_grad=True) for n in (5, 2, 11)] for _ in range(2))
    judgements = [Judgement(tuple(each), tuple((t,) for t in each)) for each in (real, fake)]
    terms = [(1 - t).square().mean() + m.square().mean() for t, m in zip(real, fake, strict=True)]
    expected, loss = torch.stack(terms).sum(), discriminator_loss(*judgements)
    torch.testing.assert_close(loss, expected)
    for found, wanted in zip(
        torch.autograd.grad(loss, real + fake),
        torch.autograd.grad(expected, real + fake),
        strict=True,
    ):
        torch.testing.assert_close(found, wanted)


def test_kl_of_one_channel():
    one = torch.ones(1, 1, 2)
    mask = torch.tensor([[[1.0, 0.0]]])
    # log s_p - log s_q - 1/2 + (z - m)^2 / (2 s_p^2), of the first frame only
    value = kl_divergence(3 * one, 0.25 * one, one, 0.5 * one, mask).item()
    assert value == pytest.approx(0.5 - 0.25 - 0.5 + 0.5 * 4 * math.exp(-1))


def test_kl_estimates_the_divergence_of_two_gaussians():
    torch.manual_seed(0)
    shape = (1, 4, 200_000)
    m_q, logs_q = torch.full(shape, 0.3), torch.full(shape, -0.2)
    m_p, logs_p = torch.zeros(shape), torch.full(shape, 0.1)
    z = m_q + torch.randn(shape) * logs_q.exp()
    expected = 4 * (0.3 + (math.exp(-0.4) + 0.09) / (2 * math.exp(0.2)) - 0.5)
    mask = torch.ones(1, 1, shape[2])
    assert kl_divergence(z, logs_q, m_p, logs_p, mask).item() == pytest.approx(expected, rel=0.02)


@pytest.fixture
def output() -> SynthesizerOutput:
    latent = torch.zeros(1, 2, 30)
    return SynthesizerOutput(
        audio=torch.zeros(1, 1, 4 * 512),
        slice_starts=torch.tensor([5]),
        z=latent,
        z_p=latent,
        m_p=latent,
        logs_p=latent,
        m_q=latent,
        logs_q=latent,
        mask=torch.ones(1, 1, 30),
        predicted_log_f0=torch.tensor([[1.0, 2.0]]),
        log_f0=torch.tensor([[1.0, 4.0]]),
        normalised_log_f0=None,
    )


def test_f0_loss_is_the_mean_square(output):
    assert f0_loss(output).item() == 2
    with pytest.raises(ModelError, match="no F0 decoder"):
        f0_loss(dataclasses.replace(output, predicted_log_f0=None))


def test_kl_loss_reads_the_output(output):
    # per channel 0 - 0 - 1/2 + 0
    assert kl_loss(output).item() == pytest.approx(-1)


def test_mel_loss_compares_the_slice_with_its_place_in_the_clip(output):
    config = SynthesizerConfig()
    torch.manual_seed(0)
    clip = 0.1 * torch.randn(1, 40 * 512)
    spectrogram = linear_spectrogram(clip, config.n_fft, config.hop_length)

    def loss_of(audio: torch.Tensor) -> float:
        return mel_loss(dataclasses.replace(output, audio=audio), spectrogram, config).item()

    right = loss_of(clip[:, None, 5 * 512 : 35 * 512])
    assert 0 < right < 0.1  # only near its ends, which its own analysis reflects
    assert loss_of(clip[:, None, 4 * 512 : 34 * 512]) > 2 * right
    assert loss_of(torch.zeros(1, 1, 30 * 512)) > 50 * right


def test_mel_loss_of_a_doubled_spectrogram_is_the_logarithm_of_two(output):
    config = SynthesizerConfig()
    level = torch.full((1, config.n_bins, 30), 2.0)
    quieter, louder = (mel_loss(output, factor * level, config) for factor in (1, 2))
    assert (louder - quieter).item() == pytest.approx(math.log(2), rel=1e-4)
