"""Everything the synthesizer needs to know of one utterance, on one frame grid."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class UtteranceFeatures:
    """Features aligned to one frame grid, all float32 tensors on one device.

    Attributes:
        content: (dim, n_frames).
        f0: (n_frames,), Hz; interpolated through unvoiced frames or 0 there, as the aligner was
            told.
        voiced: (n_frames,), 1 where voiced, else 0.
        volume: (n_frames,), frame RMS.
        spectrogram: (n_bins, n_frames) linear magnitudes, or None when not asked for.
    """

    content: torch.Tensor
    f0: torch.Tensor
    voiced: torch.Tensor
    volume: torch.Tensor
    spectrogram: torch.Tensor | None = None

    @property
    def n_frames(self) -> int:
        """How many frames."""
        return self.content.shape[-1]
