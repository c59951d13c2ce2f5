"""The network of RMVPE: a U-Net over a mel spectrogram, then a recurrent layer over time.

Wei et al., "RMVPE: A Robust Model for Vocal Pitch Estimation in Polyphonic Music" (Interspeech
2023, arXiv:2306.15412). Modules bear the names of the published checkpoint, so that its tensors
fit as they are.
"""

import itertools

import torch
from torch import nn

N_MELS = 128
N_BINS = 360
_HEAD_CHANNELS = 3
"""Maps over (time, mel) that the recurrent layer reads side by side."""


class _Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, (batch, channels, n_frames, n_mels)."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for channels in (n_inputs, n_outputs):
            stages += [
                nn.Conv2d(channels, n_outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(n_outputs),
                nn.ReLU(),
            ]
        self.conv = nn.Sequential(*stages)
        self.shortcut = (
            nn.Identity() if n_inputs == n_outputs else nn.Conv2d(n_inputs, n_outputs, 1)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.conv(maps) + self.shortcut(maps)


def _residuals(n_inputs: int, n_outputs: int, n_blocks: int) -> list[nn.Module]:
    widths = [n_inputs, *[n_outputs] * (n_blocks - 1)]
    return [_Residual(width, n_outputs) for width in widths]


class _Stage(nn.Module):
    """Residual blocks in a row that keep the size of the maps."""

    def __init__(self, n_inputs: int, n_outputs: int, n_blocks: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*_residuals(n_inputs, n_outputs, n_blocks))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.conv(maps)


class _Encoder(nn.Module):
    """Stages that double the channels, each followed by a pooling that halves both axes."""

    def __init__(self, channels: int, n_stages: int, n_blocks: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(1)
        widths = [1, *[channels << stage for stage in range(n_stages)]]
        self.layers = nn.ModuleList(
            _Stage(n_inputs, n_outputs, n_blocks)
            for n_inputs, n_outputs in itertools.pairwise(widths)
        )

    def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The smallest maps, and those of every stage before its pooling."""
        maps = self.bn(mel)
        kept: list[torch.Tensor] = []
        for stage in self.layers:
            maps = stage(maps)
            kept.append(maps)
            maps = nn.functional.avg_pool2d(maps, 2)
        return maps, kept


class _Middle(nn.Module):
    """Stages at the smallest size."""

    def __init__(self, channels: int, n_stages: int, n_blocks: int) -> None:
        super().__init__()
        widths = [channels, *[2 * channels] * n_stages]
        self.layers = nn.Sequential(
            *(
                _Stage(n_inputs, n_outputs, n_blocks)
                for n_inputs, n_outputs in itertools.pairwise(widths)
            )
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.layers(maps)


class _UpStage(nn.Module):
    """Doubles both axes, then reads the result beside the encoder's maps of that size."""

    def __init__(self, channels: int, n_blocks: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = nn.Sequential(
            nn.ConvTranspose2d(
                channels, half, 3, stride=2, padding=1, output_padding=1, bias=False
            ),
            nn.BatchNorm2d(half),
            nn.ReLU(),
        )
        self.conv2 = nn.Sequential(*_residuals(channels, half, n_blocks))

    def forward(self, maps: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        return self.conv2(torch.cat((self.conv1(maps), beside), dim=1))


class _Decoder(nn.Module):
    """Stages that halve the channels and undo the encoder's poolings."""

    def __init__(self, channels: int, n_stages: int, n_blocks: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _UpStage(channels >> stage, n_blocks) for stage in range(n_stages)
        )

    def forward(self, maps: torch.Tensor, kept: list[torch.Tensor]) -> torch.Tensor:
        for stage, beside in zip(self.layers, reversed(kept), strict=True):
            maps = stage(maps, beside)
        return maps


class _UNet(nn.Module):
    def __init__(self, channels: int, n_stages: int, n_middle: int, n_blocks: int) -> None:
        super().__init__()
        deepest = channels << (n_stages - 1)
        self.encoder = _Encoder(channels, n_stages, n_blocks)
        self.intermediate = _Middle(deepest, n_middle, n_blocks)
        self.decoder = _Decoder(2 * deepest, n_stages, n_blocks)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        maps, kept = self.encoder(mel)
        return self.decoder(self.intermediate(maps), kept)


class _Recurrent(nn.Module):
    """A bidirectional GRU over time, (batch, n_frames, width)."""

    def __init__(self, n_inputs: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(n_inputs, hidden, batch_first=True, bidirectional=True)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return self.gru(sequence)[0]


class RmvpeNetwork(nn.Module):
    """Log-mel in, an activation for each of 360 pitches out.

    The defaults are the published sizes; others make small networks for tests.

    Args:
        channels: of the first stage.
        n_stages: how often the maps are halved and doubled again.
        n_middle: stages at the smallest size.
        n_blocks: residual blocks in a stage.
        hidden: of the recurrent layer, in each direction.
    """

    def __init__(
        self,
        *,
        channels: int = 16,
        n_stages: int = 5,
        n_middle: int = 4,
        n_blocks: int = 4,
        hidden: int = 256,
    ) -> None:
        super().__init__()
        self.frame_multiple = 1 << n_stages
        """Frames must come in multiples of this."""
        self.unet = _UNet(channels, n_stages, n_middle, n_blocks)
        self.cnn = nn.Conv2d(channels, _HEAD_CHANNELS, 3, padding=1)
        self.fc = nn.Sequential(
            _Recurrent(_HEAD_CHANNELS * N_MELS, hidden),
            nn.Linear(2 * hidden, N_BINS),
            nn.Identity(),  # dropout in training
            nn.Sigmoid(),
        )

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Activations.

        Args:
            mel: (batch, 128, n_frames) natural logarithms; n_frames a multiple of
                `frame_multiple`.

        Returns:
            (batch, n_frames, 360), 0 to 1.
        """
        maps = self.unet(mel.mT[:, None])  # (batch, channels, n_frames, n_mels)
        side_by_side = self.cnn(maps).transpose(1, 2).flatten(2)  # (batch, n_frames, 3 * n_mels)
        return self.fc(side_by_side)
