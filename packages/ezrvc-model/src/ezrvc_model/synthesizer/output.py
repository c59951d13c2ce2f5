"""What a training pass of the synthesizer gives, all that losses need."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class SynthesizerOutput:
    """Latents of the whole clips, audio of one slice of each.

    Attributes:
        audio: (batch, 1, segment_frames * hop_length).
        slice_starts: first frame of each slice, (batch,) int64.
        z: latents drawn from the posterior, (batch, inter_channels, n_frames).
        z_p: the same, mapped by the flow to where the prior lives.
        m_p: mean of the prior.
        logs_p: log standard deviation of the prior.
        m_q: mean of the posterior.
        logs_q: log standard deviation of the posterior.
        mask: 1 for frames that are not padding, (batch, 1, n_frames).
        predicted_log_f0: the F0 decoder's answer, (batch, n_frames), or None without one.
        log_f0: the truth on its scale, (batch, n_frames).
        normalised_log_f0: what the decoder was given of it, (batch, n_frames), or None.
        converted: the slices again, made the way of conversion, from a draw of the prior instead of
            the posterior's; like `audio`, or None where that was not asked for.
    """

    audio: torch.Tensor
    slice_starts: torch.Tensor
    z: torch.Tensor
    z_p: torch.Tensor
    m_p: torch.Tensor
    logs_p: torch.Tensor
    m_q: torch.Tensor
    logs_q: torch.Tensor
    mask: torch.Tensor
    predicted_log_f0: torch.Tensor | None
    log_f0: torch.Tensor
    normalised_log_f0: torch.Tensor | None
    converted: torch.Tensor | None = None
