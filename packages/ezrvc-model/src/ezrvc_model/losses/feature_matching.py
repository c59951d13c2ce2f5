"""Made audio should look like real audio inside the discriminators too."""

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
    distances = [
        (true.float().detach() - made.float()).abs().mean()
        for true_maps, made_maps in zip(real.feature_maps, fake.feature_maps, strict=True)
        for true, made in zip(true_maps, made_maps, strict=True)
    ]
    return WEIGHT * torch.stack(distances).sum()
