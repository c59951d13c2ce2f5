"""Made audio should look like real audio inside the discriminators too."""

from typing import Any

import torch

from ezrvc_model.discriminators.judgement import Judgement, check_comparable

WEIGHT = 2.0


def feature_matching_loss(real: Judgement, fake: Judgement) -> torch.Tensor:
    """Twice the sum over layers of the mean absolute difference of feature maps.

    Larsen et al., "Autoencoding beyond pixels" (2016), with the weight of HiFi-GAN. The real maps
    are constants: no gradient flows into them.

    Raises:
        ModelError: the judgements cannot be compared.
    """
    check_comparable(real, fake)
    true = [each.detach() for maps in real.feature_maps for each in maps]
    made = [each for maps in fake.feature_maps for each in maps]
    return WEIGHT * _MeanDistances.apply(true, *made).sum()


class _MeanDistances(torch.autograd.Function):
    """The mean absolute difference of each of many pairs of tensors, (n_pairs,).

    All pairs pass together, in the type that they come in, with sums in at least single precision:
    there are forty maps of discriminators, and most of the time of a term by itself would go into
    asking for it. Gradients are the signs of the differences, shared out evenly.
    """

    @staticmethod
    def forward(ctx: Any, true: list[torch.Tensor], *made: torch.Tensor) -> torch.Tensor:
        differences = torch._foreach_sub(list(made), true)  # pyright: ignore[reportPrivateImportUsage]
        ctx.save_for_backward(*differences)
        sizes = torch._foreach_abs(differences)  # pyright: ignore[reportPrivateImportUsage]
        wide = torch.promote_types(differences[0].dtype, torch.float32)
        return torch.stack([size.mean(dtype=wide) for size in sizes])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        differences = ctx.saved_tensors
        signs = torch._foreach_sign(differences)  # pyright: ignore[reportPrivateImportUsage]
        for sign, gradient in zip(signs, gradients[0].unbind(), strict=True):
            sign.mul_(gradient / sign.numel())
        return None, *signs
