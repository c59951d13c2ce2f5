"""Made speech should be heard as the recorded speech is by a network that knows what is said."""

from collections.abc import Sequence

import torch


def content_loss(made: Sequence[torch.Tensor], real: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean absolute difference of what a network hears, averaged over its layers.

    A perceptual loss (Johnson et al., "Perceptual Losses for Real-Time Style Transfer", 2016) by a
    content encoder instead of a classifier of pictures. What was heard in the recording is a
    constant: no gradient flows into it.

    Args:
        made: layers of the made sound, (batch, n_frames, width) each.
        real: of the recording.
    """
    pairs = zip(made, real, strict=True)
    return torch.stack([(a.float() - b.detach().float()).abs().mean() for a, b in pairs]).mean()
