"""The invertible map between latents coloured by a speaker and latents free of one."""

import torch
from torch import nn

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.convolution import Conv1d
from ezrvc_model.synthesizer.transformer import StackShape, Transformer
from ezrvc_model.synthesizer.wavenet import WaveNet

KERNEL_SIZE = 5


class Coupling(nn.Module):
    """Shifts one half of the channels by what the other half and the speaker say.

    Dinh, Krueger and Bengio, "NICE" (2014): inverting it only subtracts the same shift.
    """

    def __init__(self, config: SynthesizerConfig, network: nn.Module | None) -> None:
        super().__init__()
        half = config.inter_channels // 2
        self.input = Conv1d(half, config.hidden_channels, 1)
        self.network = network
        self.output = Conv1d(config.hidden_channels, half, 1)
        nn.init.zeros_(self.output.weight)  # a new flow changes nothing
        if self.output.bias is not None:
            nn.init.zeros_(self.output.bias)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor,
        speaker: torch.Tensor,
        *,
        network: nn.Module,
        reverse: bool,
    ) -> torch.Tensor:
        """(batch, inter_channels, n_frames) to the same, or back."""
        kept, moved = x.chunk(2, dim=1)
        hidden = network(self.input(kept) * mask, mask, speaker)
        shift = self.output(hidden) * mask
        moved = (moved - shift) * mask if reverse else shift + moved * mask
        return torch.cat([kept, moved], dim=1)


class Flow(nn.Module):
    """Couplings, the order of the channels reversed after each.

    With `share_flow` one network serves all couplings. `forward` takes the posterior's latents to
    the prior's; `reverse=True` goes back.
    """

    def __init__(self, config: SynthesizerConfig) -> None:
        super().__init__()
        self.shared_network = _network(config) if config.share_flow else None
        self.couplings = nn.ModuleList(
            Coupling(config, None if config.share_flow else _network(config))
            for _ in range(config.n_couplings)
        )

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor,
        speaker: torch.Tensor,
        *,
        reverse: bool = False,
    ) -> torch.Tensor:
        """Map latents.

        Args:
            x: (batch, inter_channels, n_frames).
            mask: (batch, 1, n_frames).
            speaker: (batch, speaker_dim, 1 or n_frames).
            reverse: from the prior's latents to the speaker's.

        Returns:
            (batch, inter_channels, n_frames).
        """
        for coupling in reversed(self.couplings) if reverse else self.couplings:
            network = self.shared_network or coupling.network
            if reverse:
                x = coupling(x.flip(1), mask, speaker, network=network, reverse=True)
            else:
                x = coupling(x, mask, speaker, network=network, reverse=False).flip(1)
        return x


def _network(config: SynthesizerConfig) -> nn.Module:
    if config.flow == "residual":
        return WaveNet(
            config.hidden_channels,
            KERNEL_SIZE,
            config.flow_layers,
            config.speaker_dim,
            depthwise=config.depthwise,
        )
    shape = StackShape(
        config.hidden_channels,
        config.filter_channels,
        config.n_heads,
        config.flow_layers,
        KERNEL_SIZE,
        config.dropout,
    )
    return Transformer(shape, causal=True, speaker_dim=config.speaker_dim)
