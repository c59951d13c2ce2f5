"""How good units are: phones of speakers never heard, and how much of the speaker is left."""

import itertools
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

from ezrvc_features.content.soft_units_network import SoftUnitsNetwork, scale_power
from soft_units.corpus import Clip
from soft_units.labels import IGNORED

_LONGEST_FRAMES = 1000
_CHUNK = 16
"""Frames of the live variant that is measured beside the whole."""


@torch.no_grad()
def measure(
    network: SoftUnitsNetwork,
    phones: nn.Module,
    held_out: Sequence[Clip],
    clips: Sequence[Clip],
    device: torch.device,
    *,
    n_probe_clips: int = 600,
) -> dict[str, float]:
    """The figures of one checkpoint.

    Args:
        network: in evaluation mode.
        phones: from units to classes.
        held_out: clips of speakers that were not trained on.
        clips: those trained on, for the probe of the speaker.
        device: where the network lies.
        n_probe_clips: at most so many are probed.

    Returns:
        `phone_accuracy` and `phone_accuracy_live` (0 to 1, labelled frames of held-out speakers,
        synthetic ones), `phone_accuracy_people` (the same of people, where labels were aligned),
        `speaker_probe` and `speaker_probe_mel` (accuracy of a linear classifier on mean and
        deviation over time), `agreement` of parallel clips (cosine) and `disagreement` of others.
    """
    figures: dict[str, float] = {}
    for name, chunk, exact in (
        ("phone_accuracy", None, True),
        ("phone_accuracy_live", _CHUNK, True),
        ("phone_accuracy_people", None, False),
    ):
        right = total = 0
        for clip in held_out:
            if clip.is_labelled and clip.is_exact == exact:
                units = encode(network, clip, device, chunk)
                labels = clip.labels[: units.shape[1]].to(device)
                guess = phones(units.T).argmax(dim=1)
                counted = labels != IGNORED
                right += int((guess == labels)[counted].sum())
                total += int(counted.sum())
        if total:
            figures[name] = round(right / total, 4)
    figures |= _speaker_probe(network, clips, device, n_probe_clips)
    figures |= _parallel(network, [*clips, *held_out], device)
    return figures


def encode(
    network: SoftUnitsNetwork, clip: Clip, device: torch.device, chunk: int | None = None
) -> torch.Tensor:
    """Units of a clip, (dim, n_frames)."""
    power = 10 ** clip.power[:, : 2 * _LONGEST_FRAMES].float()
    mel = scale_power(power).to(device)
    return network(mel[None], chunk_frames=chunk)[0]


def _speaker_probe(
    network: SoftUnitsNetwork, clips: Sequence[Clip], device: torch.device, n_clips: int
) -> dict[str, float]:
    """Every second clip of each speaker teaches a linear classifier, the others test it."""
    by_speaker: dict[int, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_speaker[clip.speaker].append(clip)
    several = {who: said for who, said in by_speaker.items() if len(said) > 1}
    each = max(2, n_clips // max(len(several), 1))
    chosen = [(who, i, c) for who, said in several.items() for i, c in enumerate(said[:each])]
    if len(several) < 2:
        return {}
    who = np.array([speaker for speaker, _, _ in chosen])
    teaches = np.array([index % 2 == 0 for _, index, _ in chosen])
    scores = {}
    for name, features in (
        ("speaker_probe", [_pooled(encode(network, clip, device)) for _, _, clip in chosen]),
        ("speaker_probe_mel", [_pooled(clip.power.float()) for _, _, clip in chosen]),
    ):
        values = np.stack(features)
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
        probe.fit(values[teaches], who[teaches])
        scores[name] = round(float(probe.score(values[~teaches], who[~teaches])), 4)
    return scores


def _pooled(frames: torch.Tensor) -> np.ndarray:
    deviation, mean = torch.std_mean(frames, dim=1)
    return torch.cat([mean, deviation]).cpu().numpy()


def _parallel(
    network: SoftUnitsNetwork, clips: Sequence[Clip], device: torch.device
) -> dict[str, float]:
    """Cosine of units at the same moment of parallel clips, and of clips that are not parallel."""
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.group is not None:
            groups[clip.group].append(clip)
    firsts, agreement = [], []
    for members in groups.values():
        encoded = [encode(network, clip, device) for clip in members]
        firsts.append(encoded[0])
        agreement += [_cosine(encoded[0], other) for other in encoded[1:]]
    if not agreement:
        return {}
    apart = [_cosine(one, other) for one, other in itertools.pairwise(firsts)]
    return {
        "agreement": round(float(np.mean(agreement)), 4),
        "disagreement": round(float(np.mean(apart)), 4),
    }


def _cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    n_frames = min(one.shape[1], other.shape[1])
    return float(functional.cosine_similarity(one[:, :n_frames], other[:, :n_frames], dim=0).mean())
