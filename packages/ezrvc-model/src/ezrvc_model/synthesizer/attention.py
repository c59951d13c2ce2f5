"""Attention over frames that knows relative positions, in memory that grows with length only."""

import functools
import math

import torch
from torch import nn
from torch.nn import functional

from ezrvc_model.convolution import Conv1d
from ezrvc_model.stretches import stretches

ROWS_AT_ONCE = 512
"""Queries whose scores exist at the same time, on a processor."""
DEVICE_ROWS_AT_ONCE = 4096
"""The same on accelerators, which have more memory and dislike small pieces."""


class MultiHeadAttention(nn.Module):
    """Self-attention with learned relative positions within a window, or a causal one without.

    Shaw, Uszkoreit and Vaswani, "Self-Attention with Relative Position Representations" (2018),
    as VITS uses it: positions further apart than `window` share nothing, so the relative parts
    are a band of 2 * window + 1 columns and are computed as such. Queries are taken
    `ROWS_AT_ONCE` at a time, which changes no result and bounds the scores to
    (batch, n_heads, ROWS_AT_ONCE, n_frames).

    Args:
        channels: of input and output.
        n_heads: into which the channels are divided.
        dropout: of the attention weights.
        window: relative positions known to each side; None: none.
        causal: whether a frame sees only itself and earlier frames.
    """

    def __init__(
        self,
        channels: int,
        n_heads: int,
        dropout: float = 0.0,
        *,
        window: int | None = None,
        causal: bool = False,
    ) -> None:
        super().__init__()
        if causal and window is not None:
            raise ValueError("causal attention has no relative positions")
        self.n_heads = n_heads
        self.head_channels = channels // n_heads
        self.window = window
        self.causal = causal
        self.query = Conv1d(channels, channels, 1)
        self.key = Conv1d(channels, channels, 1)
        self.value = Conv1d(channels, channels, 1)
        self.output = Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)
        if window is not None:
            shape = (1, 2 * window + 1, self.head_channels)
            deviation = self.head_channels**-0.5
            self.relative_keys = nn.Parameter(torch.randn(shape) * deviation)
            self.relative_values = nn.Parameter(torch.randn(shape) * deviation)
        for projection in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(projection.weight)
        if causal:  # begin by attending to similar frames
            self.key.load_state_dict(self.query.state_dict())

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Mix frames.

        Args:
            x: (batch, channels, n_frames).
            mask: (batch, 1, n_frames), 1 for frames that may be attended to.

        Returns:
            (batch, channels, n_frames); padded frames hold nothing of use.
        """
        query = self._heads(self.query(x)) / math.sqrt(self.head_channels)
        key, value = self._heads(self.key(x)), self._heads(self.value(x))
        if self.causal:
            # later frames, padding among them, are out of sight anyway
            mixed = functional.scaled_dot_product_attention(
                query,
                key,
                value,
                is_causal=True,
                scale=1.0,
                dropout_p=self.dropout.p if self.training else 0.0,
            )
        else:
            mixed = self._attend(query, key, value, mask)
        return self.output(mixed.transpose(1, 2).flatten(2).transpose(1, 2))

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, n_frames) to (batch, n_heads, n_frames, head_channels)."""
        return x.unflatten(1, (self.n_heads, self.head_channels)).transpose(2, 3)

    def _attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        hidden = mask[:, None] == 0  # (batch, 1, 1, n_frames)
        size = ROWS_AT_ONCE if query.device.type == "cpu" else DEVICE_ROWS_AT_ONCE
        rows = [
            self._attend_rows(query[:, :, some], key, value, hidden, some.start)
            for some in stretches(query.shape[2], size)
        ]
        return rows[0] if len(rows) == 1 else torch.cat(rows, dim=2)

    def _attend_rows(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        hidden: torch.Tensor,
        start: int,
    ) -> torch.Tensor:
        scores = query @ key.transpose(2, 3)  # (batch, n_heads, n_rows, n_frames)
        if self.window is None:
            weights = self.dropout(scores.masked_fill(hidden, -1e4).softmax(dim=3))
            return weights.to(value.dtype) @ value
        # sizes are symbols while a graph is exported, and no key to a table
        band = _band if torch.compiler.is_exporting() else _kept_band
        n_rows, n_frames = scores.shape[2:]
        columns, inside = band(self.window, start, n_rows, n_frames, scores.device)
        columns = columns.expand(*scores.shape[:2], -1, -1)
        relative = (query @ self.relative_keys.transpose(1, 2)) * inside
        # nobody else has seen the scores: changing them in place saves two arrays of this size
        scores.scatter_add_(3, columns, relative.to(scores.dtype))
        weights = self.dropout(scores.masked_fill_(hidden, -1e4).softmax(dim=3))
        near = weights.gather(3, columns) * inside
        return weights.to(value.dtype) @ value + near.to(value.dtype) @ self.relative_values


def _band(
    window: int, start: int, n_rows: int, n_frames: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the window of each row lies, and which of its positions exist.

    Returns:
        Column numbers (n_rows, 2 * window + 1), those outside moved to the nearest that exists,
        and 1 or 0 for whether each exists.
    """
    rows = torch.arange(start, start + n_rows, device=device)
    offsets = torch.arange(-window, window + 1, device=device)
    columns = rows[:, None] + offsets
    inside = (columns >= 0) & (columns < n_frames)
    return columns.clamp(0, n_frames - 1), inside.float()


@functools.lru_cache(maxsize=32)
@torch.inference_mode(mode=False)
def _kept_band(
    window: int, start: int, n_rows: int, n_frames: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same, made once."""
    return _band(window, start, n_rows, n_frames, device)
