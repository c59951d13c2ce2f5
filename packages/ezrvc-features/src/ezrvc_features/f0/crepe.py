"""CREPE: a convolutional network on the samples themselves, in its full and its tiny size."""

from pathlib import Path
from typing import Literal, Unpack

import numpy as np
import torch
import torchcrepe
from numpy.typing import NDArray

from ezrvc_device.accelerator import resolve_device
from ezrvc_features.f0.grid import level_near
from ezrvc_features.f0.salience import HOP_LENGTH, SalienceEstimator
from ezrvc_features.f0.windowed import SILENCE_LEVEL, F0Settings

_FRAME_LENGTH = 1024
_FRAMES_PER_BATCH = 64  # about 100 MB of activations in the full size


class CrepeEstimator(SalienceEstimator):
    """CREPE (Kim et al. 2018, arXiv:1802.06182), weights of torchcrepe; a point every 10 ms.

    torchcrepe's own decoding adds random dither to hide its 20-cent bins; here pitch is decoded
    between bins, so that two runs are equal and a steady tone is steady.

    Args:
        device: what to compute on, see `ezrvc_device.accelerator.resolve_device`.
        settings: see `WindowedEstimator`.
    """

    name = "crepe"
    distribution = "torchcrepe"
    supported_hz = (32.7, 1975.5)
    default_threshold = 0.3
    capacity: Literal["full", "tiny"] = "full"

    def __init__(self, *, device: str = "auto", **settings: Unpack[F0Settings]) -> None:
        super().__init__(**settings)
        self._device = resolve_device(device)
        weights = Path(torchcrepe.__file__).parent / "assets" / f"{self.capacity}.pth"
        self._network = torchcrepe.Crepe(self.capacity)
        self._network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        self._network.to(self._device).eval()

    @torch.inference_mode()
    def _activations(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each bin, (n_frames, 360), 0 in silence; frame i is centred at sample i * hop."""
        padded = torch.from_numpy(np.pad(samples, _FRAME_LENGTH // 2))
        frames = padded.unfold(0, _FRAME_LENGTH, HOP_LENGTH)
        times_s = np.arange(len(frames), dtype=np.float64) * (HOP_LENGTH / self.sample_rate)
        # The network is slow, and what it says of silence is not used.
        loud = np.flatnonzero(level_near(samples, self.sample_rate, times_s) >= SILENCE_LEVEL)
        activations = np.zeros((len(frames), len(self.bin_cents)), dtype=np.float32)
        for start in range(0, len(loud), _FRAMES_PER_BATCH):
            some = loud[start : start + _FRAMES_PER_BATCH]
            batch = frames[torch.from_numpy(some)].to(self._device)
            batch = batch - batch.mean(dim=1, keepdim=True)
            batch = batch / batch.std(dim=1, keepdim=True).clamp(min=1e-10)
            activations[some] = self._network(batch).cpu().numpy()
        return activations


class CrepeTinyEstimator(CrepeEstimator):
    """The tiny CREPE: 45 times smaller, less sure in noise."""

    name = "crepe-tiny"
    capacity = "tiny"
