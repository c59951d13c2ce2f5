"""Running a vocoder over long input: block by block, in the device's best type."""

import copy

import torch

from ezrvc_device.precision import convolution_dtype
from ezrvc_model.vocoders.hifigan import HiFiGAN

CPU_BLOCK_FRAMES = 160
"""What keeps the widest layers of the largest models within a processor's cache."""
DEVICE_BLOCK_FRAMES = 8192
"""What keeps memory bounded on accelerators."""


class BlockwiseDecoder:
    """A frozen vocoder, run over stretches of frames that join without seams.

    It is no module: what it keeps (the weights in a narrower type) is not part of any state.

    Args:
        vocoder: its weights must not change any more.
        block_frames: frames of a block; None: what suits the device.
    """

    def __init__(self, vocoder: HiFiGAN, block_frames: int | None = None) -> None:
        self.vocoder = vocoder
        self.block_frames = block_frames
        self._narrow: dict[tuple[torch.device, torch.dtype], HiFiGAN] = {}

    def __call__(
        self,
        x: torch.Tensor,
        source: torch.Tensor | None,
        speaker: torch.Tensor | None,
        *,
        fp32: bool = False,
    ) -> torch.Tensor:
        """Make samples, as `HiFiGAN.forward`, in float32.

        Args:
            x: (batch, in_channels, n_frames).
            source: (batch, 1, n_samples).
            speaker: (batch, speaker_dim, 1 or n_frames).
            fp32: whether the convolutions must stay in single precision.
        """
        dtype = torch.float32 if fp32 else convolution_dtype(x.device)
        vocoder = self._in(x.device, dtype)
        x = x.to(dtype)
        source = None if source is None else source.to(dtype)
        speaker = None if speaker is None else speaker.to(dtype)
        on_cpu = x.device.type == "cpu"
        size = self.block_frames or (CPU_BLOCK_FRAMES if on_cpu else DEVICE_BLOCK_FRAMES)
        n_frames = x.shape[2]
        blocks = [
            vocoder.stretch(x, source, speaker, start, min(start + size, n_frames)).float()
            for start in range(0, n_frames, size)
        ]
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=2)

    def forget_copies(self) -> None:
        """Drop the weights kept in narrower types, because the weights were replaced."""
        self._narrow.clear()

    def _in(self, device: torch.device, dtype: torch.dtype) -> HiFiGAN:
        """The vocoder with weights of a type; narrow copies are made once."""
        if next(self.vocoder.parameters()).dtype == dtype:
            return self.vocoder
        if (device, dtype) not in self._narrow:
            self._narrow[device, dtype] = copy.deepcopy(self.vocoder).to(device, dtype)
        return self._narrow[device, dtype]
