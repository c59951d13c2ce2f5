"""What the units are judged by while they are learnt."""

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from soft_units.labels import IGNORED


class Losses(NamedTuple):
    """The terms of the objective."""

    phones: torch.Tensor
    """Cross-entropy of the phone in each labelled frame."""
    agreement: torch.Tensor
    """1 - cosine between the units of two versions of one sound."""
    speaker: torch.Tensor
    """Cross-entropy of an adversary that looks for the speaker."""
    taught: torch.Tensor
    """Cross-entropy of the phones that a teacher hears in each frame; 0 without one."""


class Judges(nn.Module):
    """A reader of phones, and an adversary that tries to tell who speaks.

    Ganin and Lempitsky, "Unsupervised Domain Adaptation by Backpropagation" (2015): the adversary
    learns, while its gradient reaches the units with the opposite sign.

    Args:
        dim: values of a unit.
        n_phones: classes of phones.
        n_speakers: who may speak.
    """

    def __init__(self, dim: int, n_phones: int, n_speakers: int) -> None:
        super().__init__()
        self.phones = nn.Linear(dim, n_phones)
        self.speaker = nn.Sequential(nn.Linear(2 * dim, 256), nn.ReLU(), nn.Linear(256, n_speakers))

    def forward(
        self,
        units: torch.Tensor,
        labels: torch.Tensor,
        speakers: torch.Tensor,
        pull: float,
        taught: torch.Tensor | None = None,
    ) -> Losses:
        """Judge two versions of each item, one after the other in the batch.

        Args:
            units: (2 * batch, dim, n_frames).
            labels: (batch, n_frames).
            speakers: (batch,).
            pull: how strongly the units flee from the adversary.
            taught: what a teacher hears in each item, (batch, n_frames, n_phones).
        """
        twice = torch.cat([labels, labels])
        scores = self.phones(units.mT).flatten(0, 1).float()
        phones = functional.cross_entropy(
            scores,
            twice.flatten(),
            ignore_index=IGNORED,
            label_smoothing=0.05,
            reduction="sum",
        ) / (twice != IGNORED).sum().clamp(min=1)
        one, other = units.chunk(2)
        agreement = 1 - functional.cosine_similarity(one, other, dim=1).mean()
        flipped = _Reversed.apply(units, pull)
        assert isinstance(flipped, torch.Tensor)
        deviation, mean = torch.std_mean(flipped, dim=2)
        guess = self.speaker(torch.cat([mean, deviation], dim=1))
        speaker = functional.cross_entropy(guess, speakers.repeat(2))
        lesson = torch.zeros_like(phones)
        if taught is not None:
            lesson = functional.cross_entropy(scores, torch.cat([taught, taught]).flatten(0, 1))
        return Losses(phones, agreement, speaker, lesson)


class _Reversed(torch.autograd.Function):
    """The identity, whose gradient changes its sign."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, pull: float) -> torch.Tensor:
        ctx.pull = pull
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return -ctx.pull * gradients[0], None
