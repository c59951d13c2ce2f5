"""Several discriminators as one."""

from collections.abc import Sequence

import torch
from torch import nn

from ezrvc_model.discriminators.judgement import Judgement
from ezrvc_model.discriminators.period import PeriodDiscriminator
from ezrvc_model.discriminators.resolution import ResolutionDiscriminator
from ezrvc_model.discriminators.scale import ScaleDiscriminator
from ezrvc_model.errors import ModelError

SOVITS_PERIODS = (2, 3, 5, 7, 11)
RVC_V1_PERIODS = (2, 3, 5, 7, 11, 17)
RVC_V2_PERIODS = (2, 3, 5, 7, 11, 17, 23, 37)


class Discriminator(nn.Module):
    """A scale discriminator, one for each period, and optionally one for each resolution.

    Args:
        periods: samples of each period discriminator's columns.
        resolutions: (n_fft, hop_length) of each resolution discriminator.
        narrowing: divides the channels of every layer; 1 is the published width.
    """

    def __init__(
        self,
        periods: Sequence[int] = SOVITS_PERIODS,
        resolutions: Sequence[tuple[int, int]] = (),
        *,
        narrowing: int = 1,
    ) -> None:
        super().__init__()
        self.periods = tuple(periods)
        self.resolutions = tuple(resolutions)
        self.narrowing = narrowing
        self.members = nn.ModuleList(
            [
                ScaleDiscriminator(narrowing=narrowing),
                *(PeriodDiscriminator(period, narrowing=narrowing) for period in periods),
                *(
                    ResolutionDiscriminator(n_fft, hop, narrowing=narrowing)
                    for n_fft, hop in resolutions
                ),
            ]
        )

    def forward(self, audio: torch.Tensor) -> Judgement:
        """Judge audio.

        Args:
            audio: (batch, 1, n_samples).

        Raises:
            ModelError: the audio has another shape.
        """
        if audio.ndim != 3 or audio.shape[1] != 1:
            raise ModelError(
                f"audio to judge must be (batch, 1, n_samples), got {tuple(audio.shape)}"
            )
        judged = [member(audio) for member in self.members]
        return Judgement(
            tuple(logits for logits, _ in judged), tuple(tuple(maps) for _, maps in judged)
        )

    def judge_both(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[Judgement, Judgement]:
        """Judge real audio and its imitation in one batch, which is faster than one by one."""
        judged = self(torch.cat([real, fake]))
        return judged.split((len(real), len(fake)))
