"""What all content encoders share: resampling, windows, and where the network runs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

import torch
from torch import nn

from ezrvc_audio.waveform import Waveform
from ezrvc_features.content.checkpoint import Checkpoint, ConvertedFile, convert_once
from ezrvc_features.content.hidden_layer import HiddenLayer
from ezrvc_features.content.windows import (
    SPEECH_HOP,
    SPEECH_RATE,
    WindowPlan,
    encode_in_windows,
    to_speech,
)

NetworkT = TypeVar("NetworkT", bound=nn.Module)
_TWENTY_SECONDS = WindowPlan(1000)


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
    takes_padding: ClassVar[bool] = False
    """Whether `_forward_padded` is there, so that sounds of several lengths share a pass."""

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
        samples = self._prepare(to_speech(waveform))
        with torch.no_grad():
            content = encode_in_windows(
                samples,
                (self.dim, self.n_frames(len(samples))),
                self._run_window,
                self.plan,
                lookahead=self.lookahead,
            )
        return self._finish(content)

    def encode_batch(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """Content of several sounds, as `encode` gives it but for rounding.

        Sounds of one window go through the network together, all of them where it takes padding,
        else those of equal length; longer ones go alone.

        Raises:
            FeatureError: one of them is shorter than 20 ms.
        """
        sounds = [self._prepare(to_speech(waveform)) for waveform in waveforms]
        contents: dict[int, torch.Tensor] = {}
        together: dict[int, list[int]] = {}
        for index, samples in enumerate(sounds):
            if self.n_frames(len(samples)) > self.plan.n_frames:
                contents[index] = self.encode(waveforms[index])
            else:
                key = 0 if self.takes_padding else len(samples)
                together.setdefault(key, []).append(index)
        for indices in together.values():
            batch = self._run_batch([sounds[index] for index in indices])
            contents |= zip(indices, map(self._finish, batch), strict=True)
        return [contents[index] for index in range(len(sounds))]

    @torch.no_grad()
    def _run_batch(self, sounds: list[torch.Tensor]) -> list[torch.Tensor]:
        """Content of sounds of one window, (n_samples,) to (dim, n_frames) each."""
        lengths = [len(samples) for samples in sounds]
        padded = nn.utils.rnn.pad_sequence(sounds, batch_first=True).to(self.device)
        is_padded = min(lengths) < max(lengths)
        content = self._forward_padded(padded, lengths) if is_padded else self._forward(padded)
        content = content.to("cpu", torch.float32)
        return [
            content[index, :, : self.n_frames(length)].clone()
            for index, length in enumerate(lengths)
        ]

    def _forward_padded(self, samples: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        """The network on sounds of several lengths with silence behind them, as `_forward`.

        Frames of a sound must be those that it has alone; what comes after them is dropped.
        """
        raise NotImplementedError(f"{type(self).__name__} takes no padding")

    def _prepare(self, samples: torch.Tensor) -> torch.Tensor:
        """What happens to the whole sound before it is cut, (n_samples,)."""
        return samples

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
    """A `SpeechEncoder` whose network is read from a checkpoint.

    Args:
        checkpoint: the converted weights.
        name: the registry's name.
        device: where the network runs.
        layer: which output of the network; None where there is no choice.
        plan: how sound beyond one window is cut.
    """

    dim_key: ClassVar[str]
    """The number in the checkpoint's configuration that is the length of a content vector."""

    def __init__(
        self,
        checkpoint: ConvertedFile,
        *,
        name: str,
        device: torch.device,
        layer: HiddenLayer | None = None,
        plan: WindowPlan = _TWENTY_SECONDS,
    ) -> None:
        super().__init__(
            name=name,
            version=self.version_of(checkpoint, layer),
            dim=self.dim_of(checkpoint, layer),
            device=device,
            plan=plan,
        )

    @classmethod
    def version_of(cls, checkpoint: ConvertedFile, layer: HiddenLayer | None = None) -> str:
        """The method, the layer and the weights, in one word."""
        method = cls.layout if layer is None else f"{cls.layout}-{layer.tag}"
        return f"{method}:{checkpoint.digest[:16]}"

    @classmethod
    def dim_of(cls, checkpoint: ConvertedFile, layer: HiddenLayer | None = None) -> int:
        """Length of each content vector."""
        return checkpoint.config[cls.dim_key]

    @classmethod
    def require(cls, checkpoint: ConvertedFile, layer: HiddenLayer | None, what: str) -> None:
        """Check that the network has the layer that is asked for.

        Args:
            checkpoint: the converted weights.
            layer: what is asked for.
            what: file and encoder, for the message.

        Raises:
            FeatureError: it has not.
        """

    def _furnish(
        self, network: NetworkT, checkpoint: ConvertedFile, *, prefix: str = ""
    ) -> NetworkT:
        """Give an empty network its weights and bring it, frozen, to the device.

        Args:
            network: without weights.
            checkpoint: holds all its tensors, and perhaps others.
            prefix: of the network's tensors in the checkpoint.
        """
        tensors = checkpoint.tensors(f"{prefix}{name}" for name in network.state_dict())
        state = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
        network.load_state_dict(state, assign=True)
        network.eval().requires_grad_(False)
        network.to(self.device)
        return network

    @classmethod
    @abstractmethod
    def open(cls, source: Path) -> ConvertedFile:
        """The weights of a file or folder, ready to be read.

        Raises:
            FeatureError: it is none that this encoder knows.
        """


class PublishedEncoder(WeightedEncoder):
    """A `WeightedEncoder` whose weights others have published, in layouts of their own."""

    @classmethod
    def open(cls, source: Path) -> ConvertedFile:
        """The weights in our layout, converted on first use; see `convert`."""
        return convert_once(source, cls.convert, layout=cls.layout)

    @classmethod
    @abstractmethod
    def convert(cls, source: Path) -> Checkpoint:
        """Read the published layouts.

        Raises:
            FeatureError: the file or folder is none of them.
        """
