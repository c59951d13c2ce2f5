"""Find which phone is heard when in recordings of people, from how they are pronounced.

    python -m soft_units.align CORPUS OUT/checkpoint.pt PRONUNCIATIONS OUT/aligned.jsonl

A first run has learnt phones from synthetic voices alone; its reading of a recording, held to the
phones that must come in order, gives the times (Viterbi). A second run learns from those as well.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.atomic import write_text
from soft_units.corpus import load_clips, read_manifest
from soft_units.labels import SILENCE, phone_spans
from soft_units.measure import encode
from soft_units.reader import Reader

LEAST_LIKELY = -1.5
"""Mean log probability of a frame, below which a recording and its words do not belong together."""
_UNKNOWN = np.log(0.05)
"""Of a phone that the classes do not have."""
_DOUBTED = np.log(0.02)
"""Frames whose phone the network believes less in count for nothing."""


class State(NamedTuple):
    """One place in the order of phones; a pause may be left out."""

    name: str | None
    """None: a phone without a class."""
    optional: bool


def states_of(phonemes: str, known: Iterable[str]) -> list[State]:
    """The phones of a pronunciation in order; between words and at both ends may be pauses."""
    states: list[State] = []
    for name, _ in phone_spans(phonemes, [1] * (len(phonemes) + 2)):
        if name in (None, SILENCE):
            if not states or not states[-1].optional:
                states.append(State(SILENCE, optional=True))
        else:
            states.append(State(name if name in known else None, optional=False))
    return states


def best_path(scores: NDArray[np.floating], optional: Sequence[bool]) -> tuple[NDArray, float]:
    """The most likely way through states that follow each other, at least one frame in each.

    Args:
        scores: log probability of each state in each frame, (n_frames, n_states).
        optional: whether a state may be left out; never two in a row.

    Returns:
        The state of each frame, and the sum of its scores; minus infinity if there is no way.
    """
    n_frames, n_states = scores.shape
    may_skip = np.zeros(n_states, dtype=bool)
    may_skip[2:] = np.asarray(optional)[1:-1]
    total = np.full(n_states, -np.inf)
    total[0] = scores[0, 0]
    if n_states > 1 and optional[0]:
        total[1] = scores[0, 1]
    came = np.zeros((n_frames, n_states), dtype=np.int8)
    for frame in range(1, n_frames):
        stay = total
        step = np.concatenate([[-np.inf], total[:-1]])
        skip = np.where(may_skip, np.concatenate([[-np.inf, -np.inf], total])[:n_states], -np.inf)
        ways = np.stack([stay, step, skip])
        came[frame] = ways.argmax(axis=0)
        total = ways.max(axis=0) + scores[frame]
    last = n_states - 1
    if n_states > 1 and optional[-1] and total[-2] > total[-1]:
        last = n_states - 2
    path = np.empty(n_frames, dtype=np.int64)
    state = last
    for frame in range(n_frames - 1, -1, -1):
        path[frame] = state
        state -= int(came[frame, state])
    return path, float(total[last])


def aligned_names(
    log_probabilities: NDArray[np.floating], phonemes: str, classes: Mapping[str, int]
) -> list[str | None] | None:
    """The phone of each frame, None where it is doubted; None altogether if the words do not fit.

    Args:
        log_probabilities: of each class in each frame, (n_frames, n_classes).
        phonemes: that are said.
        classes: number of each phone.
    """
    states = states_of(phonemes, classes.keys())
    unknown = np.full(len(log_probabilities), _UNKNOWN)
    columns = [
        unknown if state.name is None else log_probabilities[:, classes[state.name]]
        for state in states
    ]
    scores = np.stack(columns, axis=1)
    path, total = best_path(scores, [state.optional for state in states])
    if total / len(path) < LEAST_LIKELY:
        return None
    believed = scores[np.arange(len(path)), path] > _DOUBTED
    return [states[s].name if sure else None for s, sure in zip(path, believed, strict=True)]


def run_lengths(names: Sequence[str | None]) -> list[tuple[str | None, int]]:
    """Each name with how often it follows itself."""
    runs: list[tuple[str | None, int]] = []
    for name in names:
        if runs and runs[-1][0] == name:
            runs[-1] = (name, runs[-1][1] + 1)
        else:
            runs.append((name, 1))
    return runs


@torch.no_grad()
def align(
    corpus: Path, checkpoint: Path, pronunciations: Path, device: torch.device
) -> list[dict[str, Any]]:
    """Rows of `path` and `phones`: names (null: not known) and how many frames of 20 ms."""
    reader = Reader.load(checkpoint, device)
    lines = pronunciations.read_text(encoding="utf-8").splitlines()
    said = {row["path"]: row["phonemes"] for row in map(json.loads, lines)}
    rows = []
    for clip in read_manifest(corpus):
        name = clip.path.relative_to(corpus).as_posix()
        if name not in said:
            continue
        for loaded in load_clips([clip], reader.classes, {clip.speaker: 0}):
            units = encode(reader.network, loaded, device)
            if units.shape[1] < loaded.n_frames:  # longer than what is encoded at once
                continue
            guesses = reader.phones(units.T).log_softmax(dim=1).cpu().numpy()
            names = aligned_names(guesses, said[name], reader.classes)
            if names is not None:
                rows.append({"path": name, "phones": run_lengths(names)})
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Align, and write it down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("pronunciations", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="auto")
    chosen = parser.parse_args(argv)
    device = resolve_device(chosen.device)
    rows = align(chosen.corpus, chosen.checkpoint, chosen.pronunciations, device)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text(chosen.out, text)
    print(f"{chosen.out}: {len(rows)} recordings of people", flush=True)


if __name__ == "__main__":
    main()
