"""The source of a neural source-filter vocoder: sines that follow F0, in closed form."""

import functools
import math
from typing import NamedTuple

import torch
from torch import nn

from ezrvc_model.noise import Noise
from ezrvc_model.stretches import stretches

SINE_AMPLITUDE = 0.1
NOISE_DEVIATION = 0.003
"""Of the noise on voiced samples."""
CYCLE = 2**40
"""Units of phase in a cycle."""
WITHIN_CYCLE = CYCLE - 1
FRAMES_AT_ONCE = 256
"""Frames whose partials exist at the same time, on a processor."""
DEVICE_FRAMES_AT_ONCE = 2048
"""The same on accelerators, which dislike small pieces."""


def source_deviation(n_harmonics: int) -> float:
    """Of a voiced source before training, about: the root mean square of its partials' sum."""
    return SINE_AMPLITUDE * math.sqrt((n_harmonics + 1) / 2)


def phase_steps(f0: torch.Tensor, n_partials: int, sample_rate: int) -> torch.Tensor:
    """By how much the phase of each partial grows from one sample to the next.

    The quotient is a float32 one, as in the programs whose voices are read here; over a second its
    rounding moves an overtone by some 1e-4 of a cycle, so whoever counts phases beside a source
    counts them by this function.

    Args:
        f0: (..., n_frames) float32, Hz.
        n_partials: the fundamental and its overtones.
        sample_rate: Hz.

    Returns:
        (..., n_frames, n_partials) int64, units of 2^-40 cycles, whole cycles dropped.
    """
    partials = _counted(n_partials, f0.device)
    return ((f0.unsqueeze(-1) * partials / sample_rate % 1) * CYCLE).long()


class Excitation(NamedTuple):
    """What drives a vocoder."""

    samples: torch.Tensor
    """(batch, 1, n_samples)."""
    end_phase: torch.Tensor
    """Phase of each partial just after the last sample, (batch, n_partials), cycles in [0, 1);
    the `start_phase` of what follows."""


class SineSource(nn.Module):
    """A fundamental and overtones where voiced, noise elsewhere, mixed into one signal.

    Wang, Takaki and Yamagishi, "Neural Source-Filter Waveform Models" (2019). F0 is held over
    each frame, so no sum over samples is needed: a frame begins at the phase that all frames
    before it add up to, and from there the phase grows linearly; sample n of a frame has the
    phase of n + 1 steps. Phases are whole numbers of 2^-40 cycles, so that sums are exact however
    long the sound is and whatever the device, and dropping whole cycles is a bit mask.

    Args:
        sample_rate: Hz.
        hop_length: samples a frame.
        n_harmonics: overtones beside the fundamental.
    """

    def __init__(self, sample_rate: int, hop_length: int, n_harmonics: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.hop_length = hop_length
        self.n_partials = n_harmonics + 1
        self.mix = nn.Linear(self.n_partials, 1)
        # all partials alike: a train of pulses, as a voice's own source
        nn.init.ones_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(
        self,
        f0: torch.Tensor,
        *,
        start_phase: torch.Tensor | None = None,
        noise: Noise,
        summed_hiss: bool = False,
    ) -> Excitation:
        """Make the excitation.

        Args:
            f0: (batch, n_frames), Hz, 0 where there is to be noise.
            start_phase: (batch, n_partials), cycles, before the first sample; None: 0 for the
                fundamental, at random for the overtones.
            noise: draws the phases, then (batch, n_samples, n_partials) hiss.
            summed_hiss: draw (batch, n_samples, 1) instead, the sum of the hiss of all partials:
                as likely, and a fraction of the draws.
        """
        f0 = f0.float()
        if start_phase is None:
            start_phase = noise.uniform((f0.shape[0], self.n_partials), f0)
            start_phase = torch.cat([start_phase[:, :1] * 0, start_phase[:, 1:]], dim=1)
        steps = phase_steps(f0, self.n_partials, self.sample_rate)
        advances = (steps * self.hop_length) & WITHIN_CYCLE
        ends = advances.cumsum(dim=1)  # (batch, n_frames, n_partials)
        starts = (ends - advances) & WITHIN_CYCLE
        size = FRAMES_AT_ONCE if f0.device.type == "cpu" else DEVICE_FRAMES_AT_ONCE
        pieces = [
            self._mixed(
                starts[:, now], steps[:, now], f0[:, now], start_phase, noise, summed=summed_hiss
            )
            for now in stretches(f0.shape[1], size)
        ]
        end_phase = (start_phase + as_cycles(ends[:, -1])) % 1
        return Excitation(torch.cat(pieces, dim=1).transpose(1, 2), end_phase)

    def _mixed(
        self,
        starts: torch.Tensor,
        steps: torch.Tensor,
        f0: torch.Tensor,
        start_phase: torch.Tensor,
        noise: Noise,
        *,
        summed: bool,
    ) -> torch.Tensor:
        """Some frames of the excitation, (batch, n_samples, 1)."""
        n_steps = _counted(self.hop_length, f0.device).unsqueeze(1)
        phases = as_cycles(starts.unsqueeze(2) + steps.unsqueeze(2) * n_steps)
        phases = phases.flatten(1, 2) + start_phase.unsqueeze(1)  # (batch, n_samples, n_partials)
        sines = torch.sin(phases * (2 * torch.pi)) * SINE_AMPLITUDE
        voiced = (f0 > 0).repeat_interleave(self.hop_length, dim=1).unsqueeze(2)
        if summed:  # independent normal draws add up to one, by the root of their squared weights
            level = torch.where(voiced, NOISE_DEVIATION, SINE_AMPLITUDE / 3)
            hiss = noise.normal(level.shape, level) * level * self.mix.weight.norm()
            return (self.mix((sines * voiced).to(self.mix.weight.dtype)) + hiss).tanh()
        hiss = noise.normal(phases.shape, phases)
        waves = torch.where(voiced, sines + hiss * NOISE_DEVIATION, hiss * (SINE_AMPLITUDE / 3))
        return self.mix(waves.to(self.mix.weight.dtype)).tanh()


@functools.lru_cache(maxsize=16)
@torch.inference_mode(mode=False)
def _counted(count: int, device: torch.device) -> torch.Tensor:
    """1 to `count`, int64, (count,); made once."""
    return torch.arange(1, count + 1, device=device)


def as_cycles(units: torch.Tensor) -> torch.Tensor:
    """Units of phase, whole cycles dropped, as a part of a cycle."""
    return (units & WITHIN_CYCLE).float() / CYCLE
