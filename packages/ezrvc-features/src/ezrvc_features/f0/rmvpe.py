"""RMVPE: a U-Net on a mel spectrogram; its weights are fetched when it is first used."""

import functools
from pathlib import Path
from typing import Unpack

import librosa
import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress, silent
from ezrvc_device.weights import UNVERIFIED, HubSource, WeightSpec, fetch
from ezrvc_features.content.checkpoint import (
    Checkpoint,
    account_for,
    convert_once,
    tensors_in,
)
from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.rmvpe_network import N_MELS, RmvpeNetwork
from ezrvc_features.f0.salience import HOP_LENGTH, SalienceEstimator
from ezrvc_features.f0.windowed import F0Settings
from ezrvc_features.spectrogram import compress

RMVPE_WEIGHTS = WeightSpec(
    "rmvpe", HubSource("lj1995/VoiceConversionWebUI", "rmvpe.pt", UNVERIFIED), licence=""
)
"""The checkpoint that RVC uses. Its revision is unverified, its licence not known here."""
RMVPE_SIZE = "181 MB"
_LAYOUT = "rmvpe-1"
_N_FFT = 1024
_MEL_HZ = (30.0, 8000.0)
_HARMLESS = r".*\.num_batches_tracked"
"""Counters of training."""


class RmvpeEstimator(SalienceEstimator):
    """RMVPE (Wei et al. 2023, arXiv:2306.15412); a point every 10 ms.

    The published programs take the mean around the largest activation of each point; here, as for
    the other networks, around the likeliest path, which a single point an octave off does not
    lead astray.

    Args:
        device: what to compute on, see `ezrvc_device.accelerator.resolve_device`.
        weights: a checkpoint of your own (`rmvpe.pt` of RVC or of so-vits-svc) instead of the
            published one.
        progress: told how far the download is.
        settings: see `WindowedEstimator`.

    Raises:
        FeatureError: the weights are not here and cannot be fetched, or are of something else.
    """

    name = "rmvpe"
    supported_hz = (32.7, 1040.0)  # users report pitch an octave low above it
    default_threshold = 0.03

    def __init__(
        self,
        *,
        device: str = "auto",
        weights: Path | None = None,
        progress: Progress = silent,
        **settings: Unpack[F0Settings],
    ) -> None:
        super().__init__(**settings)
        self._device = resolve_device(device)
        converted = convert_once(
            _fetched(progress) if weights is None else weights, convert_rmvpe, layout=_LAYOUT
        )
        self._digest = converted.digest
        self._network = RmvpeNetwork()
        self._network.load_state_dict(converted.tensors())
        self._network.to(self._device).eval()

    @property
    def library(self) -> str:
        """Which weights do the work."""
        return f"rmvpe {self._digest[:16]}"

    @torch.inference_mode()
    def _activations(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        mel = rmvpe_mel(torch.from_numpy(samples).to(self._device)[None])
        n_frames = mel.shape[-1]
        missing = -n_frames % self._network.frame_multiple
        filled = torch.nn.functional.pad(mel, (0, missing), mode="reflect")
        return self._network(filled)[0, :n_frames].cpu().numpy()


def rmvpe_mel(samples: torch.Tensor) -> torch.Tensor:
    """The log-mel spectrogram that RMVPE was trained on.

    Bands on the HTK scale from 30 to 8000 Hz, of magnitudes, a frame every 10 ms, the first
    centred at the first sample.

    Args:
        samples: (batch, n_samples) at 16 kHz, more than 512 samples.

    Returns:
        (batch, 128, 1 + n_samples // 160), natural logarithm.
    """
    spectrum = torch.stft(
        samples,
        _N_FFT,
        hop_length=HOP_LENGTH,
        window=torch.hann_window(_N_FFT, device=samples.device),
        center=True,
        return_complex=True,
    )
    return compress(_bands().to(samples.device) @ spectrum.abs())


def convert_rmvpe(path: Path) -> Checkpoint:
    """The network's tensors in a published checkpoint, every one accounted for.

    Raises:
        FeatureError: the file cannot be read safely, or is of another network.
    """
    tensors = tensors_in(read_checkpoint(path), inside=("model",), source=path)
    with torch.device("meta"):
        state = RmvpeNetwork().state_dict()
    expected = {name: state[name] for name in state if not name.endswith("num_batches_tracked")}
    return Checkpoint(account_for(tensors, expected, harmless=_HARMLESS, source=path), config={})


def _fetched(progress: Progress) -> Path:
    try:
        return fetch(RMVPE_WEIGHTS, progress)
    except WeightsError as error:
        raise FeatureError(f"the weights of rmvpe ({RMVPE_SIZE}) are not here: {error}") from error


@functools.cache
def _bands() -> torch.Tensor:
    """(n_mels, n_fft // 2 + 1), outside inference mode because the result is shared."""
    bands = librosa.filters.mel(
        sr=16000, n_fft=_N_FFT, n_mels=N_MELS, fmin=_MEL_HZ[0], fmax=_MEL_HZ[1], htk=True
    )
    with torch.inference_mode(mode=False):
        return torch.from_numpy(bands).float()
