"""The least-squares game between generator and discriminators.

Mao et al., "Least Squares Generative Adversarial Networks" (2017): real is 1, made is 0.
"""

import torch

from ezrvc_model.discriminators.judgement import Judgement, check_comparable


def discriminator_loss(real: Judgement, fake: Judgement) -> torch.Tensor:
    """How far the discriminators are from calling real audio 1 and made audio 0.

    Raises:
        ModelError: the judgements cannot be compared.
    """
    check_comparable(real, fake)
    return torch.stack(
        [
            (1 - true.float()).square().mean() + made.float().square().mean()
            for true, made in zip(real.logits, fake.logits, strict=True)
        ]
    ).sum()


def generator_loss(fake: Judgement) -> torch.Tensor:
    """How far the discriminators are from calling made audio 1."""
    return torch.stack([(1 - made.float()).square().mean() for made in fake.logits]).sum()
