"""The least-squares game between generator and discriminators.

Mao et al., "Least Squares Generative Adversarial Networks" (2017): real is 1, made is 0.
"""

import functools
from collections.abc import Sequence

import torch

from ezrvc_model.discriminators.judgement import Judgement, check_comparable


def discriminator_loss(real: Judgement, fake: Judgement) -> torch.Tensor:
    """How far the discriminators are from calling real audio 1 and made audio 0.

    Raises:
        ModelError: the judgements cannot be compared.
    """
    check_comparable(real, fake)
    return _distance(real.logits, 1) + _distance(fake.logits, 0)


def generator_loss(fake: Judgement) -> torch.Tensor:
    """How far the discriminators are from calling made audio 1."""
    return _distance(fake.logits, 1)


def _distance(logits: Sequence[torch.Tensor], target: int) -> torch.Tensor:
    """Mean squared distance of each discriminator's logits from a number, summed over them.

    Laid side by side, so that all of them take one pass.
    """
    beside = torch.cat(list(logits), dim=1).float()
    weights = _shares(tuple(each.shape[1] for each in logits), beside.device)
    return (beside - target).square().mean(dim=0) @ weights


@functools.lru_cache(maxsize=16)
def _shares(sizes: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """What each logit counts in the mean of its discriminator, (sum of sizes,)."""
    with torch.inference_mode(mode=False):
        shares = torch.tensor([1 / size for size in sizes for _ in range(size)])
        return shares.to(device)
