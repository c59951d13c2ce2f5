"""How far the posterior's latents are from where the prior expects them."""

import torch

from ezrvc_model.synthesizer.output import SynthesizerOutput


def kl_loss(output: SynthesizerOutput, n_frames: torch.Tensor | None = None) -> torch.Tensor:
    """Kullback-Leibler divergence of posterior and prior, per frame.

    VITS, eq. 3 and 4: estimated at the drawn latent, summed over channels, averaged over the
    frames that are not padding.

    Args:
        output: of the training pass.
        n_frames: scalar, what the sum over frames is divided by; None: the frames of this batch.
    """
    return kl_divergence(
        output.z_p, output.logs_q, output.m_p, output.logs_p, output.mask, n_frames
    )


def kl_divergence(
    z_p: torch.Tensor,
    logs_q: torch.Tensor,
    m_p: torch.Tensor,
    logs_p: torch.Tensor,
    mask: torch.Tensor,
    n_frames: torch.Tensor | None = None,
) -> torch.Tensor:
    """See `kl_loss`; the other arguments are those of `SynthesizerOutput`."""
    z_p, logs_q, m_p, logs_p, mask = (t.float() for t in (z_p, logs_q, m_p, logs_p, mask))
    divergence = logs_p - logs_q - 0.5 + 0.5 * (z_p - m_p).square() * torch.exp(-2 * logs_p)
    return (divergence * mask).sum() / (mask.sum() if n_frames is None else n_frames)
