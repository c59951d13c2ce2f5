import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ezrvc_model.synthesizer import attention
from ezrvc_model.synthesizer.attention import MultiHeadAttention


@pytest.fixture
def relative() -> MultiHeadAttention:
    torch.manual_seed(0)
    return MultiHeadAttention(6, 2, window=2).eval()


def by_definition(layer: MultiHeadAttention, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """One frame and one head at a time, with every relative position written out."""
    n_frames, size, window = x.shape[2], layer.head_channels, layer.window or 0
    query, key, value = (p(x)[0].T for p in (layer.query, layer.key, layer.value))
    mixed = torch.zeros(n_frames, 2 * size)
    for head in range(2):
        part = slice(head * size, (head + 1) * size)
        for i in range(n_frames):
            scores = torch.full((n_frames,), -math.inf)
            for j in range(n_frames):
                if mask[0, 0, j] == 0:
                    continue
                k = key[j, part].clone()
                if abs(j - i) <= window:
                    k += layer.relative_keys[0, j - i + window]
                scores[j] = query[i, part] @ k / math.sqrt(size)
            weights = scores.softmax(0)
            for j in range(n_frames):
                v = value[j, part].clone()
                if abs(j - i) <= window:
                    v += layer.relative_values[0, j - i + window]
                mixed[i, part] += weights[j] * v
    return layer.output(mixed.T.unsqueeze(0))


@pytest.mark.parametrize("n_frames", [1, 2, 3, 9])
def test_it_is_attention_with_relative_positions(relative, n_frames):
    x = torch.randn(1, 6, n_frames)
    mask = torch.ones(1, 1, n_frames)
    mask[..., 7:] = 0
    with torch.no_grad():
        torch.testing.assert_close(
            relative(x, mask)[..., :7],
            by_definition(relative, x, mask)[..., :7],
            atol=1e-6,
            rtol=1e-5,
        )


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_some_queries_at_a_time_change_nothing(relative, monkeypatch, rows):
    x, mask = torch.randn(2, 6, 20), torch.ones(2, 1, 20)
    mask[1, :, 13:] = 0
    with torch.no_grad():
        whole = relative(x, mask)
        monkeypatch.setattr(attention, "ROWS_AT_ONCE", rows)
        pieces = relative(x, mask)
    torch.testing.assert_close(pieces, whole, atol=1e-6, rtol=1e-6)


def test_no_tensor_grows_with_the_square_of_the_length(relative, monkeypatch):
    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            made = func(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor) and made.is_contiguous():
                self.numel = max(self.numel, made.numel())
            return made

    monkeypatch.setattr(attention, "ROWS_AT_ONCE", 16)
    with torch.no_grad(), Largest() as largest:
        relative(torch.randn(1, 6, 400), torch.ones(1, 1, 400))
    assert largest.numel == 2 * 16 * 400


def test_causal_attention_sees_no_later_frame():
    torch.manual_seed(0)
    layer = MultiHeadAttention(6, 2, causal=True).eval()
    x, mask = torch.randn(1, 6, 12), torch.ones(1, 1, 12)
    changed = x.clone()
    changed[..., 8:] = torch.randn(1, 6, 4)
    with torch.no_grad():
        torch.testing.assert_close(layer(x, mask)[..., :8], layer(changed, mask)[..., :8])
        assert not torch.allclose(layer(x, mask)[..., 8:], layer(changed, mask)[..., 8:])


def test_causal_attention_knows_no_relative_positions():
    with pytest.raises(ValueError, match="no relative positions"):
        MultiHeadAttention(6, 2, window=1, causal=True)
