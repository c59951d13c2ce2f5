"""The speaker encoder: sound in, one vector that tells whose voice it is out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_audio.resampling import resample
from ezrvc_audio.slicing import SlicerConfig, slice_silence
from ezrvc_audio.waveform import Waveform
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress, silent
from ezrvc_device.weights import PackageSource, UrlSource, WeightSpec, fetch, weights_present
from ezrvc_features.content.checkpoint import (
    Checkpoint,
    ConvertedFile,
    account_for,
    convert_once,
    tensors_in,
)
from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.errors import FeatureError
from ezrvc_features.speaker.ge2e import (
    EMBEDDING_DIM,
    HOP_LENGTH,
    PARTIAL_FRAMES,
    SAMPLE_RATE,
    Ge2eNetwork,
    ge2e_mel,
    partial_starts,
    raise_level,
)

SHORTEST_S = 0.4
"""Less sound than this, pauses left out, tells nothing of a voice."""
_PACKAGED = WeightSpec(
    "resemblyzer", PackageSource("resemblyzer", "pretrained.pt"), licence="Apache-2.0"
)
_PUBLISHED = WeightSpec(
    "resemblyzer",
    # The hash was computed from the file inside Resemblyzer 0.1.4 of the package index; that the
    # repository gives the same file is checked when it is fetched.
    UrlSource(
        "https://github.com/resemble-ai/Resemblyzer/raw/master/resemblyzer/pretrained.pt",
        "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
    ),
    licence="Apache-2.0",
)
_LAYOUT = "ge2e-1"
_REVISION = 1
_HARMLESS = r"similarity_(weight|bias)"
"""Of the loss in training."""
_PARTIALS_PER_BATCH = 64
_PAUSES = SlicerConfig(
    min_clip_s=SHORTEST_S / 4,
    max_clip_s=1e6,
    min_interval_ms=200,
    max_silence_kept_ms=100,
    min_sound_s=SHORTEST_S / 4,
)
"""Silence of more than 0.2 s is a pause; 0.1 s of it are kept beside the sound."""


class SpeakerEncoder:
    """Resemblyzer's speaker encoder: the network of GE2E over partial utterances of 1.6 s.

    Sound is mixed to mono, resampled to 16 kHz, freed of its pauses, raised to -30 dBFS where it
    is fainter, and heard in partial utterances of 1.6 s that begin 1.3 times a second; the
    embedding is their mean. With pauses left in, embeddings equal those of Resemblyzer without
    its voice activity detector. Leaving pauses out is ours: Resemblyzer asks the compiled WebRTC
    detector, here `ezrvc_audio.slicing` judges by energy, and the level is measured after it.

    Args:
        checkpoint: the converted weights, see `load_speaker_encoder`.
        device: where the network runs.
    """

    dim = EMBEDDING_DIM

    def __init__(self, checkpoint: ConvertedFile, device: torch.device) -> None:
        self._digest = checkpoint.digest
        self._device = device
        self._network = Ge2eNetwork()
        self._network.load_state_dict(checkpoint.tensors())
        self._network.to(device).eval()

    @property
    def version(self) -> str:
        """Changes whenever the same sound may give another vector."""
        return f"ge2e {self._digest[:16]}, revision {_REVISION}"

    @torch.inference_mode()
    def embed(self, waveform: Waveform, *, trim_pauses: bool = True) -> NDArray[np.float32]:
        """The vector of the voice that is heard, float32, (256,), length 1, none negative.

        Args:
            waveform: one person, any rate, any number of channels, any length from 0.4 s of
                sound.
            trim_pauses: leave pauses out, at the ends and inside.

        Raises:
            FeatureError: there is only silence, or too little sound.
        """
        mono = resample(waveform.mono(), SAMPLE_RATE)
        samples = _without_pauses(mono) if trim_pauses else mono.samples[0]
        if not samples.any():
            raise FeatureError(
                f"there is only silence in {waveform.duration_s:.2f} s of sound: "
                "no voice can be told from it"
            )
        if len(samples) < SHORTEST_S * SAMPLE_RATE:
            raise FeatureError(
                f"there are {len(samples) / SAMPLE_RATE:.2f} s of sound, and a voice takes at "
                f"least {SHORTEST_S:g} s to tell; give a longer recording"
            )
        starts = partial_starts(len(samples))
        n_needed = (starts[-1] + PARTIAL_FRAMES) * HOP_LENGTH
        heard = np.pad(raise_level(samples), (0, max(0, n_needed - len(samples))))
        mel = ge2e_mel(torch.from_numpy(heard).to(self._device))
        windows = mel.unfold(1, PARTIAL_FRAMES, 1)  # (n_mels, n_starts, PARTIAL_FRAMES)
        partials = [
            self._network(windows[:, starts[first : first + _PARTIALS_PER_BATCH]].transpose(0, 1))
            for first in range(0, len(starts), _PARTIALS_PER_BATCH)
        ]
        return mean_embedding(list(torch.cat(partials).cpu().numpy()))


def load_speaker_encoder(
    device: str = "auto", *, weights: Path | None = None, progress: Progress = silent
) -> SpeakerEncoder:
    """Load the speaker encoder.

    Its weights (17 MB) are those inside the installed package `resemblyzer`, which is not
    imported and need not be importable; without it they are fetched from its repository.

    Args:
        device: where it runs, see `ezrvc_device.accelerator.resolve_device`.
        weights: a `pretrained.pt` of your own instead.
        progress: told how far a download is.

    Raises:
        FeatureError: the weights are not here and cannot be fetched, or are of something else.
        DeviceError: the device is not there.
    """
    resolved = resolve_device(device)
    source = _fetched(progress) if weights is None else weights
    return SpeakerEncoder(convert_once(source, convert_ge2e, layout=_LAYOUT), resolved)


def speaker_encoder_at_hand() -> bool:
    """Whether `load_speaker_encoder` would load the published weights without the network."""
    return weights_present(_PACKAGED) or weights_present(_PUBLISHED)


def convert_ge2e(path: Path) -> Checkpoint:
    """The network's tensors in Resemblyzer's checkpoint, every one accounted for.

    Raises:
        FeatureError: the file cannot be read safely, or is of another network.
    """
    tensors = tensors_in(read_checkpoint(path), inside=("model_state",), source=path)
    with torch.device("meta"):
        expected = Ge2eNetwork().state_dict()
    return Checkpoint(account_for(tensors, expected, harmless=_HARMLESS, source=path), config={})


def similarity(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """How alike two voices are: the cosine between their vectors, 1 for the same direction.

    Args:
        left: an embedding, (dim,).
        right: another one, (dim,).

    Raises:
        ValueError: the shapes differ, or a vector is zero.
    """
    if left.ndim != 1 or left.shape != right.shape:
        raise ValueError(f"embeddings of shapes {left.shape} and {right.shape} cannot be compared")
    lengths = float(np.linalg.norm(left)) * float(np.linalg.norm(right))
    if lengths == 0:
        raise ValueError("an embedding that is zero is like nothing")
    return float(left.astype(np.float64) @ right.astype(np.float64)) / lengths


def mean_embedding(embeddings: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The direction in the middle of several embeddings, (dim,), length 1: one person's voice.

    Raises:
        ValueError: there are none.
    """
    if not embeddings:
        raise ValueError("the mean of no embeddings is not defined")
    mean = np.mean(np.stack(embeddings), axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)


def _without_pauses(mono: Waveform) -> NDArray[np.float32]:
    parts = [mono.samples[0, part.start : part.end] for part in slice_silence(mono, _PAUSES)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _fetched(progress: Progress) -> Path:
    spec = _PACKAGED if weights_present(_PACKAGED) else _PUBLISHED
    try:
        return fetch(spec, progress)
    except WeightsError as error:
        raise FeatureError(
            f"the weights of the speaker encoder (17 MB) are not here: {error}; "
            "or install the package resemblyzer without its dependencies, which holds them"
        ) from error
