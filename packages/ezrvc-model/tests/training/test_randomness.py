"""Noise that belongs to a clip, not to a batch."""

import math
from collections.abc import Callable

import pytest
import torch

from ezrvc_model.training import randomness
from ezrvc_model.training.randomness import KeyedNoise

KEYS = torch.tensor([3, 2**61 + 3, 12345678901234567])
LIKE = torch.zeros(())


def test_an_items_noise_depends_on_its_key_alone() -> None:
    whole, alone = KeyedNoise(KEYS), KeyedNoise(KEYS[1:2])
    for shape in [(5, 70), (5, 70), (1,)]:
        together = whole.normal((3, *shape), LIKE)
        assert torch.equal(together[1:2], alone.normal((1, *shape), LIKE))
    assert torch.equal(whole.uniform((3,), LIKE)[1:2], alone.uniform((1,), LIKE))


def test_more_padding_changes_nothing_before_it() -> None:
    short, long = (
        KeyedNoise(KEYS).normal((3, 4, 9), LIKE),
        KeyedNoise(KEYS).normal((3, 6, 33), LIKE),
    )
    assert torch.equal(long[:, :4, :9], short)


def test_draws_and_keys_differ() -> None:
    noise = KeyedNoise(KEYS)
    first, second = noise.normal((3, 1000), LIKE), noise.normal((3, 1000), LIKE)
    rows = torch.cat([first, second])
    correlation = torch.corrcoef(rows) - torch.eye(6)
    assert correlation.abs().max() < 0.15


def test_draws_are_normal_and_even() -> None:
    n = 400_000
    normal = KeyedNoise(torch.arange(4)).normal((4, 10, n // 40), LIKE).flatten().double()
    assert normal.isfinite().all()
    assert normal.mean().abs() < 0.006
    assert normal.var() == pytest.approx(1, abs=0.01)
    assert (normal**4).mean() == pytest.approx(3, abs=0.08)
    ranked = normal.sort().values
    expected = 0.5 * (1 + torch.erf(ranked / math.sqrt(2)))
    distance = (expected - (torch.arange(n) + 0.5) / n).abs().max()
    assert distance < 1.95 / math.sqrt(n)  # Kolmogorov and Smirnov, one in a thousand
    uniform = KeyedNoise(torch.arange(4)).uniform((4, n // 4), LIKE, low=-2, high=3)
    assert uniform.min() >= -2
    assert uniform.max() < 3
    assert uniform.mean() == pytest.approx(0.5, abs=0.02)
    steps = uniform.flatten()
    neighbours = torch.corrcoef(torch.stack([steps[1:], steps[:-1]]))[0, 1]
    assert neighbours.abs() < 0.01


def test_a_compiled_network_draws_the_same_noise() -> None:
    def step(keys: torch.Tensor) -> torch.Tensor:
        noise, like = KeyedNoise(keys), torch.zeros(())
        return noise.normal((2, 5), like) * 2 + noise.uniform((2, 5), like)

    keys = torch.tensor([3, 2**40])
    seen: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., object]:
        seen.append(graph)
        return graph.forward

    assert torch.equal(torch.compile(step, backend=backend)(keys), step(keys))
    (graph,) = seen  # in one piece
    assert "xor" not in graph.code


@pytest.mark.parametrize("sizes", [(), (5,), (2, 3)])
def test_the_hash_is_to_compilers_what_it_is(sizes: tuple[int, ...]) -> None:
    """They are told its shape without computing it."""
    low = torch.tensor([3, 9])
    torch.library.opcheck(randomness._hash_of_places, (low, torch.zeros_like(low), list(sizes)))


def test_noise_for_another_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"noise for 3 items cannot have shape \(2, 4\)"):
        KeyedNoise(KEYS).normal((2, 4), LIKE)


@pytest.mark.parametrize("word", [0, 0xFFFFFFFF])
def test_the_outermost_words_are_finite_draws(word: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(randomness, "_hash", lambda words: torch.full_like(words, word))
    drawn = KeyedNoise(KEYS).normal((3, 2), LIKE)
    assert drawn.isfinite().all()
    assert drawn.abs().max() == pytest.approx(5.3, abs=0.05)
    fraction = float(KeyedNoise(KEYS).uniform((3,), LIKE)[0])
    assert 0 < fraction < 1
