"""Convolutions that compute channels-last give what the framework's give, and lie in that order."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from ezrvc_model.convolution import (
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    compute_channels_last,
    fold_steps,
    split_channels,
)
from ezrvc_model.discriminators.scale import ScaleDiscriminator
from ezrvc_model.synthesizer.transformer import FeedForward
from ezrvc_model.weight_norm import fold_weight_norm, normalised


def lies_channels_last(x: torch.Tensor) -> bool:
    return x.stride(1) == 1 and not x.is_contiguous()


def turned(layer: nn.Module) -> nn.Module:
    twin = copy.deepcopy(layer)
    compute_channels_last(twin)
    return twin


def random(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64)


LAYERS: list[tuple[str, nn.Module, tuple[int, ...]]] = [
    ("pointwise", Conv1d(8, 16, 1), (2, 8, 9)),
    ("wide", Conv1d(8, 16, 5, padding=2), (2, 8, 9)),
    ("dilated", Conv1d(8, 8, 3, padding=3, dilation=3, bias=False), (2, 8, 19)),
    ("dilated, in whole rows", Conv1d(8, 16, 5, padding=4, dilation=2), (2, 8, 20)),
    ("dilated, shorter", Conv1d(8, 8, 3, padding=4, dilation=4), (2, 8, 3)),
    ("dilated, growing", Conv1d(8, 8, 3, padding=6, dilation=3), (2, 8, 7)),
    ("dilated, beside rows", Conv1d(8, 8, 3, padding=2, dilation=3), (2, 8, 7)),
    ("strided", Conv1d(16, 8, 4, stride=3, padding=1), (2, 16, 20)),
    ("pointwise, strided", Conv1d(16, 8, 1, stride=2), (2, 16, 20)),
    ("grouped", Conv1d(16, 32, 5, stride=2, padding=2, groups=4), (2, 16, 20)),
    ("grouped, folded to 8", Conv1d(4, 8, 41, stride=4, padding=20, groups=4), (2, 4, 101)),
    ("grouped, to the last step", Conv1d(8, 16, 5, stride=4, groups=2), (2, 8, 23)),
    ("transposed", ConvTranspose1d(16, 8, 4, 2, padding=1), (2, 16, 9)),
    ("transposed, overlapping", ConvTranspose1d(16, 8, 7, 2, padding=3), (2, 16, 9)),
    ("transposed, apart", ConvTranspose1d(8, 16, 2, 3), (2, 8, 5)),
    ("transposed, dilated", ConvTranspose1d(16, 8, 3, 2, dilation=2, output_padding=1), (2, 16, 9)),
    ("two axes", Conv2d(8, 16, (5, 1), (3, 1), padding=(2, 0)), (2, 8, 11, 3)),
]


@pytest.mark.parametrize(("layer", "shape"), [each[1:] for each in LAYERS], ids=lambda x: str(x))
@pytest.mark.parametrize("normal", [False, True], ids=["plain", "normalised"])
def test_what_is_computed_and_learnt_stays(
    layer: Any, shape: tuple[int, ...], normal: bool
) -> None:
    layer = copy.deepcopy(layer).double()
    layer = normalised(layer) if normal else layer
    other = turned(layer)
    assert other.channels_last
    x = random(*shape).requires_grad_()
    again = x.detach().clone().requires_grad_()
    expected, found = layer(x), other(again)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert lies_channels_last(found)
    weight = random(*expected.shape)
    (expected * weight).sum().backward()
    (found * weight).sum().backward()
    torch.testing.assert_close(again.grad, x.grad, rtol=1e-12, atol=1e-12)
    for one, two in zip(layer.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(two.grad, one.grad, rtol=1e-12, atol=1e-12)
    assert list(other.state_dict()) == list(layer.state_dict())
    for name, tensor in layer.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
        assert other.state_dict()[name].stride() == tensor.stride()


@pytest.mark.parametrize("last", [False, True], ids=["steps last", "channels last"])
def test_pieces_of_channels_have_gradients_that_lie_as_they_do(last: bool) -> None:
    given = random(2, 9, 6).transpose(1, 2) if last else random(2, 6, 9)
    x = given.requires_grad_()
    grown = x * 1.0  # whose gradient is seen before it is added up
    seen: list[torch.Tensor] = []
    grown.register_hook(seen.append)
    pieces = split_channels(grown, 2)
    for piece, expected in zip(pieces, grown.split(2, dim=1), strict=True):
        assert torch.equal(piece, expected)
    weights = [number * torch.ones_like(piece) for number, piece in enumerate(pieces, 1)]
    torch.cat(
        [piece * weight for piece, weight in zip(pieces, weights, strict=True)]
    ).sum().backward()
    (gradient,) = seen
    expected = torch.tensor([1, 1, 2, 2, 3, 3], dtype=torch.float64)[:, None].expand(2, 6, 9)
    assert torch.equal(gradient, expected)
    assert gradient.stride() == grown.stride()


@pytest.mark.parametrize(
    "layer",
    [
        Conv1d(1, 4, 3),
        Conv1d(8, 1, 3),
        Conv2d(1, 8, 3),
        Conv1d(12, 8, 1),
        Conv1d(8, 8, 5, padding=2, groups=8),
    ],
    ids=str,
)
def test_layers_that_gain_nothing_stay(layer: Conv1d | Conv2d) -> None:
    compute_channels_last(layer)
    assert not layer.channels_last
    shape = (2, layer.in_channels, *[5] * (layer.weight.ndim - 2))
    assert layer(torch.randn(shape)).is_contiguous()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv1d(1, 16, 15, padding=7), (2, 1, 40)),
        (Conv1d(1, 8, 16, stride=8, padding=4), (2, 1, 64)),
        (Conv1d(1, 8, 6, stride=3, padding=2, bias=False), (2, 1, 31)),
    ],
    ids=str,
)
def test_single_channels_as_products(layer: Any, shape: tuple[int, ...]) -> None:
    layer = copy.deepcopy(layer).double()
    other = turned(layer)
    assert other.as_product
    x = random(*shape).requires_grad_()
    again = x.detach().clone().requires_grad_()
    expected, found = layer(x), other(again)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert lies_channels_last(found)
    weight = random(*expected.shape)
    (expected * weight).sum().backward()
    (found * weight).sum().backward()
    torch.testing.assert_close(again.grad, x.grad, rtol=1e-12, atol=1e-12)
    for one, two in zip(layer.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(two.grad, one.grad, rtol=1e-12, atol=1e-12)


def test_folded_steps_by_hand() -> None:
    """Two groups of one channel in and one out, a kernel of three, a stride of two."""
    weight = torch.tensor([[[2.0, 3.0, 5.0]], [[7.0, 11.0, 13.0]]])
    first = [[2.0, 0.0, 3.0, 0.0], [5.0, 0.0, 0.0, 0.0]]  # step by step, both channels of each
    second = [[0.0, 7.0, 0.0, 11.0], [0.0, 13.0, 0.0, 0.0]]
    assert torch.equal(fold_steps(weight, 2, 2), torch.tensor([first, second]))


@pytest.mark.parametrize("n_samples", [600, 601, 603])
def test_the_scale_discriminator_computes_with_folded_steps(n_samples: int) -> None:
    torch.manual_seed(0)
    judge = ScaleDiscriminator(narrowing=2).double()
    other = turned(judge)
    assert [each.folded for each in other.modules() if isinstance(each, Conv1d)] == [
        *[False],
        *[True] * 4,
        *[False] * 2,
    ]
    audio = random(2, 1, n_samples)
    (logits, maps), (logits_too, maps_too) = judge(audio), other(audio)
    torch.testing.assert_close(logits_too, logits, rtol=1e-12, atol=1e-12)
    for one, two in zip(maps, maps_too, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-12, atol=1e-12)
    assert all(lies_channels_last(each) for each in maps_too[1:-1])


def test_autocast_computes_in_its_type() -> None:
    layer = turned(normalised(Conv1d(8, 8, 3)))
    x = torch.randn(1, 8, 9)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype is torch.bfloat16
    assert lies_channels_last(y)
    y.sum().backward()
    assert {each.grad.dtype for each in layer.parameters() if each.grad is not None} == {
        torch.float32
    }


def test_padding_of_earlier_frames_keeps_the_order() -> None:
    layer = turned(FeedForward(8, 16, 3, 0.0, causal=True))
    assert isinstance(layer, FeedForward)
    x = torch.randn(2, 9, 8).transpose(1, 2)
    assert lies_channels_last(layer._padded(x))
    assert lies_channels_last(layer(x, torch.ones(2, 1, 9)))


def test_weights_fold_as_before() -> None:
    layer = turned(normalised(Conv1d(8, 8, 3)))
    x = torch.randn(1, 8, 9)
    before = layer(x)
    fold_weight_norm(layer)
    torch.testing.assert_close(layer(x), before)
