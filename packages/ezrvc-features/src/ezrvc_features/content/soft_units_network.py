"""The network of a small content encoder of our own: Whisper's smallest encoder and a narrow exit.

The shape is that of the encoder of Whisper tiny (Radford et al., "Robust Speech Recognition via
Large-Scale Weak Supervision", 2022): log-mel bands, two convolutions, transformer layers whose
norms come first. Three things are different:

- The mel scale of loudness is fixed instead of relative to the loudest moment, so that a frame
  does not depend on what is said minutes later.
- Attention can be kept within chunks and some of what came before them, which bounds how far the
  network looks ahead whatever its depth. Trained with chunks of many sizes and with none, as in
  Zhang et al., "Unified Streaming and Non-streaming Two-pass End-to-end Model for Speech
  Recognition" (2020), one set of weights serves recordings and live sound.
- A projection to few values of fixed length, from which phonemes were to be told: the units.
"""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ezrvc_features.content.windows import SPEECH_RATE
from ezrvc_features.spectrogram import MelSpec, mel_filterbank

MEL_HOP = 160
"""Samples from one column of mel bands to the next: 100 a second, two for each unit."""
_N_FFT = 400
_QUIETEST = -7.0
"""log10 of the power below which bands count as silent."""


class SoftUnitsNetwork(nn.Module):
    """From log-mel bands to units.

    Args:
        dim: values of a unit.
        width: of the transformer.
        n_layers: of it.
        n_heads: of attention.
        n_mels: bands.
    """

    def __init__(
        self, *, dim: int, width: int = 384, n_layers: int = 4, n_heads: int = 6, n_mels: int = 80
    ) -> None:
        super().__init__()
        self.width = width
        self.n_mels = n_mels
        self.config: dict[str, Any] = {
            "dim": dim,
            "width": width,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "n_mels": n_mels,
        }
        self.conv1 = nn.Conv1d(n_mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(_Layer(width, n_heads) for _ in range(n_layers))
        self.layer_norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, dim)

    def forward(
        self,
        mel: torch.Tensor,
        *,
        chunk_frames: int | None = None,
        past_chunks: int = 8,
        lengths: torch.Tensor | None = None,
        first_position: int = 0,
    ) -> torch.Tensor:
        """Units of a batch.

        Args:
            mel: of `log_mel`, (batch, n_mels, 2 * n_frames or one more).
            chunk_frames: a unit sees no further than the end of its chunk of so many; None: all.
            past_chunks: with `chunk_frames`, how many chunks before its own a unit sees.
            lengths: units of each item that are real, (batch,); None: all of them. What follows
                an item's mel bands must be zeros, as what the convolutions pad with.
            first_position: of the first unit in the network's count of time.

        Returns:
            (batch, dim, n_frames), each unit of root mean square 1.
        """
        visible = _visible(mel.shape[2] // 2, chunk_frames, past_chunks, lengths, mel.device)
        return self.units_of(self.hidden_states(mel, visible, first_position)[-1])

    def units_of(self, hidden: torch.Tensor) -> torch.Tensor:
        """Units of what the last layer gave, (batch, n_frames, width) to (batch, dim, n_frames)."""
        units = self.project(self.layer_norm(hidden)).mT.float()
        return units * units.square().mean(dim=1, keepdim=True).clamp(min=1e-6).rsqrt()

    def hidden_states(
        self, mel: torch.Tensor, visible: torch.Tensor | None = None, first_position: int = 0
    ) -> list[torch.Tensor]:
        """What each layer gives, (batch, n_frames, width).

        Args:
            mel: see `forward`.
            visible: which frames (last axis) each frame attends to; None: all to all.
            first_position: see `forward`.
        """
        hidden = functional.gelu(self.conv1(mel))
        hidden = functional.gelu(self.conv2(hidden))[..., : mel.shape[2] // 2].mT
        n_frames = hidden.shape[1]  # (batch, n_frames, width)
        position = torch.arange(first_position, first_position + n_frames, device=mel.device)
        hidden = hidden + _sinusoids(position, self.width).to(hidden.dtype)
        given = []
        for layer in self.layers:
            hidden = layer(hidden, visible)
            given.append(hidden)
        return given


class _Layer(nn.Module):
    """Attention and a feed-forward network, each behind a norm and beside a shortcut."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width, n_heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, visible: torch.Tensor | None) -> torch.Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x), visible)
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))


class _Attention(nn.Module):
    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, visible: torch.Tensor | None) -> torch.Tensor:
        query, key, value = (
            projection(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )  # (batch, n_heads, n_frames, width / n_heads)
        heard = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        return self.out_proj(heard.transpose(1, 2).flatten(2))


def log_mel(samples: torch.Tensor, n_mels: int = 80) -> torch.Tensor:
    """What the network hears: log10 mel power every 10 ms on a fixed scale, about -0.75 to 1.

    Args:
        samples: (batch, n_samples), 16 kHz, more than 200 samples.
        n_mels: bands.

    Returns:
        (batch, n_mels, n_samples // 160).
    """
    return scale_power(mel_power(samples, n_mels))


def mel_power(samples: torch.Tensor, n_mels: int = 80) -> torch.Tensor:
    """Mel power every 10 ms, (batch, n_samples) to (batch, n_mels, n_samples // 160)."""
    window = torch.hann_window(_N_FFT, device=samples.device)
    spectrum = torch.stft(samples, _N_FFT, MEL_HOP, window=window, return_complex=True)
    power = spectrum[..., :-1].abs().square()
    mel = MelSpec(SPEECH_RATE, _N_FFT, n_mels, fmin_hz=0.0, fmax_hz=SPEECH_RATE / 2)
    return mel_filterbank(mel, device=samples.device) @ power


def scale_power(power: torch.Tensor) -> torch.Tensor:
    """Mel power on the network's scale."""
    return (power.clamp(min=10**_QUIETEST).log10() + 4.0) / 4.0


def _sinusoids(position: torch.Tensor, width: int) -> torch.Tensor:
    """Whisper's encoding of time, (n_frames,) to (n_frames, width)."""
    step = math.log(10_000) / (width // 2 - 1)
    slowness = torch.exp(-step * torch.arange(width // 2, device=position.device))
    angle = position[:, None].float() * slowness
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def _visible(
    n_frames: int,
    chunk_frames: int | None,
    past_chunks: int,
    lengths: torch.Tensor | None,
    device: torch.device,
) -> torch.Tensor | None:
    """Which frames (last axis) each frame attends to; None: all to all."""
    visible = None
    frame = torch.arange(n_frames, device=device)
    if chunk_frames is not None:
        chunk = frame // chunk_frames
        behind = chunk[:, None] - chunk[None, :]
        visible = ((behind >= 0) & (behind <= past_chunks))[None, None]
    if lengths is not None:
        real = (frame < lengths[:, None])[:, None, None, :]
        visible = real if visible is None else visible & real
    return visible
