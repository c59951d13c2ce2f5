"""The corpus as the recipe sees it: mel power, speaker, and phones where they are known."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_audio.reading import read
from ezrvc_features.content.soft_units_network import mel_power
from ezrvc_features.content.windows import to_speech
from soft_units.labels import (
    DURATION_UNIT_S,
    FRAME_S,
    IGNORED,
    SILENCE,
    frame_labels,
    phone_spans,
)

LEFT_OUT_VOICES = frozenset({"am_puck", "af_nova", "bf_emma"})
"""Voices of the samples: what is shown with them was never heard in training."""
LEFT_OUT_LICENCES = ("CC-BY-SA",)
SHORTEST_FRAMES = 5
N_HELD_OUT = 44
"""Speakers kept for measuring."""


@dataclass(frozen=True)
class ManifestClip:
    """One line of the corpus."""

    path: Path
    speaker: str
    group: str | None
    """Clips of one group say the same words at the same moments, in several voices."""
    spans: tuple[tuple[str | None, int], ...] | None
    """Phones and durations; None: not known."""
    unit_s: float = DURATION_UNIT_S
    """What durations are counted in."""

    @property
    def is_exact(self) -> bool:
        """Whether its durations are those it was made with, not found by listening."""
        return self.spans is not None and self.unit_s == DURATION_UNIT_S


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip as tensors.

    Attributes:
        speaker: number of the speaker.
        group: of parallel clips, or None.
        power: log10 of mel power, float16, (n_mels, 2 * n_frames).
        labels: class of each frame or IGNORED, int64, (n_frames,).
        is_exact: whether labels come from the durations it was made with.
    """

    speaker: int
    group: str | None
    power: torch.Tensor
    labels: torch.Tensor
    is_exact: bool

    @property
    def n_frames(self) -> int:
        """Content frames."""
        return len(self.labels)

    @property
    def is_labelled(self) -> bool:
        """Whether its phones are known."""
        return bool((self.labels != IGNORED).any())


def read_manifest(folder: Path, aligned: Path | None = None) -> list[ManifestClip]:
    """The clips that may be used, in the order of the manifest.

    Args:
        folder: of the corpus.
        aligned: phones of further clips, found by `soft_units.align`.
    """
    known: dict[str, tuple[tuple[tuple[str | None, int], ...], float]] = {}
    for row in _rows(aligned) if aligned is not None else ():
        known[row["path"]] = tuple((name, n) for name, n in row["phones"]), FRAME_S
    for row in _rows(folder / "align.jsonl"):
        known[row["path"]] = tuple(phone_spans(row["phonemes"], row["frames"])), DURATION_UNIT_S
    clips = []
    for row in _rows(folder / "manifest.jsonl"):
        if row["speaker"] in LEFT_OUT_VOICES or row["licence"].startswith(LEFT_OUT_LICENCES):
            continue
        spans, unit_s = known.get(row["path"], (None, DURATION_UNIT_S))
        path = folder / row["path"]
        clips.append(ManifestClip(path, row["speaker"], row.get("group"), spans, unit_s))
    return clips


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def phone_classes(clips: Sequence[ManifestClip]) -> dict[str, int]:
    """A number for each phone of the corpus; silence is 0."""
    found = {name for clip in clips for name, _ in clip.spans or () if name not in (None, SILENCE)}
    return {name: index for index, name in enumerate([SILENCE, *sorted(str(n) for n in found)])}


def held_out_speakers(clips: Sequence[ManifestClip], count: int = N_HELD_OUT) -> frozenset[str]:
    """Speakers kept for measuring, by a stable hash, in the shares of synthetic and other ones."""
    chosen: set[str] = set()
    labelled = {clip.speaker for clip in clips if clip.is_exact}
    everybody = {clip.speaker for clip in clips}
    for group in (labelled, everybody - labelled):
        share = round(count * len(group) / len(everybody))
        ranked = sorted(group, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        chosen.update(ranked[:share])
    return frozenset(chosen)


def load_clips(
    clips: Sequence[ManifestClip], classes: dict[str, int], speakers: dict[str, int]
) -> list[Clip]:
    """Decode and analyse clips; those shorter than a tenth of a second are left out."""
    # decoding lets go of the interpreter
    with ThreadPoolExecutor() as pool:
        loaded = pool.map(lambda clip: _load(clip, classes, speakers[clip.speaker]), clips)
        return [clip for clip in loaded if clip is not None]


def _load(clip: ManifestClip, classes: dict[str, int], speaker: int) -> Clip | None:
    samples = to_speech(read(clip.path))
    power = mel_power(samples[None])[0].clamp(min=1e-8).log10().half()
    n_frames = power.shape[1] // 2
    if n_frames < SHORTEST_FRAMES:
        return None
    labels = np.full(n_frames, IGNORED)
    if clip.spans is not None:
        labels = frame_labels(clip.spans, classes, n_frames, clip.unit_s)
    power = power[:, : 2 * n_frames]
    return Clip(speaker, clip.group, power, torch.from_numpy(labels), clip.is_exact)


def crops(
    clips: Sequence[Clip], indices: NDArray[np.integer], n_frames: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random stretches of clips; short clips are repeated.

    Returns:
        Mel power (batch, n_mels, 2 * n_frames), and labels (batch, n_frames).
    """
    powers, labels = [], []
    for index in indices:
        clip = clips[index]
        start = int(rng.integers(0, max(clip.n_frames - n_frames, 0) + 1))
        place = torch.arange(start, start + n_frames) % clip.n_frames
        column = (2 * place[:, None] + torch.arange(2)).flatten()
        powers.append(10 ** clip.power[:, column].float())
        labels.append(clip.labels[place])
    return torch.stack(powers), torch.stack(labels)
