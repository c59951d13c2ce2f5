"""FCPE: a convolutional network on a mel spectrogram."""

from pathlib import Path
from typing import Unpack

import numpy as np
import torch
import torchfcpe
from numpy.typing import NDArray
from torchfcpe.models import CFNaiveMelPE

from ezrvc_device.accelerator import resolve_device
from ezrvc_features.f0.salience import HOP_LENGTH, SalienceEstimator
from ezrvc_features.f0.windowed import F0Settings
from ezrvc_features.spectrogram import VOCODER_EPSILON, MelSpec, mel_spectrogram

_MEL = MelSpec(sample_rate=16000, n_fft=1024, n_mels=128, fmin_hz=0, fmax_hz=8000)


class FcpeEstimator(SalienceEstimator):
    """FCPE (Luo et al. 2025, arXiv:2509.15140), weights of torchfcpe; a point every 10 ms.

    Args:
        device: what to compute on, see `ezrvc_device.accelerator.resolve_device`.
        settings: see `WindowedEstimator`.
    """

    name = "fcpe"
    distribution = "torchfcpe"
    supported_hz = (55.0, 1050.0)  # measured on tones; its 360 classes span 32.7 to 1975.5 Hz
    default_threshold = 0.2

    def __init__(self, *, device: str = "auto", **settings: Unpack[F0Settings]) -> None:
        super().__init__(**settings)
        self._device = resolve_device(device)
        # torchfcpe's own loader prints and asks what hardware is here, so the parts are put
        # together here; the mel is the one defined in this package.
        weights = Path(torchfcpe.__file__).parent / "assets" / "fcpe_c_v001.pt"
        stored = torch.load(weights, map_location="cpu", weights_only=True)
        shape = stored["config_dict"]["model"]
        self._network = CFNaiveMelPE(
            input_channels=_MEL.n_mels,
            out_dims=shape["out_dims"],
            hidden_dims=shape["hidden_dims"],
            n_layers=shape["n_layers"],
            n_heads=shape["n_heads"],
            f0_min=shape["f0_min"],
            f0_max=shape["f0_max"],
            use_fa_norm=shape["use_fa_norm"],
            conv_only=shape["conv_only"],
        )
        self._network.load_state_dict(stored["model"])
        self.bin_cents = self._network.get_buffer("cent_table").double().numpy()
        self._network.to(self._device).eval()

    @torch.inference_mode()
    def _activations(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each bin, (n_frames, 360)."""
        heard = torch.from_numpy(samples).to(self._device)[None]
        mel = mel_spectrogram(heard, _MEL, HOP_LENGTH, epsilon=VOCODER_EPSILON)
        return self._network(mel.transpose(1, 2))[0].cpu().numpy()
