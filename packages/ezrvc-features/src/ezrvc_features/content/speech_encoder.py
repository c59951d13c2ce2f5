"""What all content encoders share: resampling, windows, and where the network runs."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, TypeVar

import torch
from torch import nn

from ezrvc_audio.waveform import Waveform
from ezrvc_features.content.checkpoint import Checkpoint, ConvertedFile
from ezrvc_features.content.windows import (
    SPEECH_HOP,
    SPEECH_RATE,
    WindowPlan,
    encode_in_windows,
    to_speech,
)

NetworkT = TypeVar("NetworkT", bound=nn.Module)


class SpeechEncoder(ABC):
    """A `ContentEncoder` that hears 16 kHz and gives 50 frames a second.

    Attributes:
        name: the registry's name.
        version: of the method and its weights together; part of the feature store's key.
        dim: length of each content vector.
        device: where the network runs; results always come back to the CPU.
        plan: how sound beyond one window is cut.
    """

    layout: ClassVar[str]
    """Name and revision of the method; changes when the same weights would give other vectors."""
    lookahead: ClassVar[int] = 0
    """Samples beyond its last frame's hop that the network needs to give that frame."""

    def __init__(
        self, *, name: str, version: str, dim: int, device: torch.device, plan: WindowPlan
    ) -> None:
        self.name = name
        self.version = version
        self.dim = dim
        self.device = device
        self.plan = plan

    @property
    def frame_rate_hz(self) -> float:
        """Content frames a second."""
        return SPEECH_RATE / SPEECH_HOP

    def n_frames(self, n_samples: int) -> int:
        """How many frames `n_samples` samples at 16 kHz give, at least 320 of them."""
        return max((n_samples - self.lookahead) // SPEECH_HOP, 1)

    def encode(self, waveform: Waveform) -> torch.Tensor:
        """Content of a waveform of any rate and length: float32, (dim, n_frames), on the CPU.

        Several channels are mixed to one.

        Raises:
            FeatureError: the sound is shorter than 20 ms.
        """
        samples = to_speech(waveform)
        with torch.no_grad():
            content = encode_in_windows(
                samples,
                (self.dim, self.n_frames(len(samples))),
                self._run_window,
                self.plan,
                lookahead=self.lookahead,
            )
        return self._finish(content)

    def _run_window(self, samples: torch.Tensor) -> torch.Tensor:
        """Content of one window, (n_samples,) to (dim, n_frames)."""
        content = self._forward(samples[None].to(self.device))
        return content[0].to("cpu", torch.float32)

    @abstractmethod
    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        """The network: (batch, n_samples) to (batch, dim, n_frames)."""

    def _finish(self, content: torch.Tensor) -> torch.Tensor:
        """What happens to the whole sequence once all windows are joined."""
        return content


class WeightedEncoder(SpeechEncoder):
    """A `SpeechEncoder` whose network is read from a checkpoint."""

    dim_key: ClassVar[str]
    """The number in the checkpoint's configuration that is the length of a content vector."""

    @classmethod
    def version_of(cls, checkpoint: ConvertedFile) -> str:
        """The method and the weights, in one word."""
        return f"{cls.layout}:{checkpoint.digest[:16]}"

    @classmethod
    def dim_of(cls, checkpoint: ConvertedFile) -> int:
        """Length of each content vector."""
        return checkpoint.config[cls.dim_key]

    def _furnish(self, network: NetworkT, checkpoint: ConvertedFile) -> NetworkT:
        """Give an empty network its weights and bring it, frozen, to the device."""
        network.load_state_dict(checkpoint.tensors(), assign=True)
        network.eval().requires_grad_(False)
        network.to(self.device)
        return network

    @staticmethod
    @abstractmethod
    def convert(source: Path) -> Checkpoint:
        """Read the published layouts.

        Raises:
            FeatureError: the file or folder is none of them.
        """
