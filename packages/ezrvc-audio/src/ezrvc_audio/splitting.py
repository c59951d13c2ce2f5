"""Which clips are trained on and which are held out for validation.

The split is made speaker by speaker and, where that is affordable, recording by recording: clips
of one recording share a room and a mood, so a fair check hears others. Each recording is decided
once. The decision is kept with the recording (`sources.jsonl`) and holds from then on: a re-run
or an added recording never moves a clip, which no rule without memory could promise together with
a least number of held-out clips.

For the recordings that are new, the wanted number of held-out clips is `validation_share` of all
the speaker's clips, but `min_validation_clips` at least:

1. Recordings in the order of a hash of their names are held out whole while they fit into it.
2. If fewer than the least number are held out, the shortest recordings are held out whole as long
   as that takes no more than `max_recording_share` of the clips.
3. If there are still fewer, the clips of the longest recording are divided: those with the lowest
   hashes of their names are held out.

At least one clip always stays for training, so two clips give one each and three give two held
out. A speaker's only clip is in both lists. When recordings are removed until one of the lists
would be empty, that speaker's decisions are made anew.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ezrvc_audio.config import SplitConfig
from ezrvc_audio.errors import AudioError

HeldOut = int | Literal["all"]
"""How many clips of a recording are held out: 0, a number of them, or all."""


@dataclass(frozen=True)
class Recording:
    """The clips of one recording of one speaker.

    Attributes:
        name: the recording, the same in every run.
        clips: paths of its clips.
        held_out: what was decided in an earlier run; None: nothing yet.
    """

    name: str
    clips: tuple[str, ...]
    held_out: HeldOut | None = None

    @property
    def n_held_out(self) -> int:
        """Clips held out; 0 while undecided."""
        if self.held_out == "all":
            return len(self.clips)
        return min(self.held_out or 0, len(self.clips))

    def held_out_clips(self) -> list[str]:
        """The clips held out, in the order of `clips`."""
        chosen = set(sorted(self.clips, key=_stable_hash)[: self.n_held_out])
        return [clip for clip in self.clips if clip in chosen]


def split_recordings(
    recordings: Iterable[Recording], config: SplitConfig | None = None
) -> list[Recording]:
    """Decide what is held out of the recordings of one speaker; see the module for the rule.

    Args:
        recordings: all of one speaker's, in any order, with earlier decisions.
        config: how much to hold out.

    Returns:
        The same recordings in the same order, all decided.
    """
    given = list(recordings)
    decided = _decide(given, config or SplitConfig())
    n_clips = sum(len(recording.clips) for recording in decided)
    n_held_out = sum(recording.n_held_out for recording in decided)
    if n_clips > 1 and n_held_out in (0, n_clips):
        decided = _decide([replace(r, held_out=None) for r in given], config or SplitConfig())
    return decided


def file_lists(recordings: Sequence[Recording]) -> tuple[list[str], list[str]]:
    """Clips to train on and clips held out, of one speaker whose recordings are decided."""
    held_out = [clip for recording in recordings for clip in recording.held_out_clips()]
    clips = [clip for recording in recordings for clip in recording.clips]
    if len(clips) == 1:
        return clips, clips
    chosen = set(held_out)
    return [clip for clip in clips if clip not in chosen], held_out


def read_file_list(path: Path) -> list[str]:
    """The clips of a file list: paths relative to the experiment's folder.

    Raises:
        AudioError: the list is missing or empty.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}); run preprocess") from error
    clips = [line for line in text.split("\n") if line]
    if not clips:
        raise AudioError(f"{path}: lists no clips; run preprocess")
    return clips


def file_list_text(clips: Iterable[str]) -> str:
    """A file list as text, one path a line."""
    return "".join(clip + "\n" for clip in clips)


def _decide(recordings: Sequence[Recording], config: SplitConfig) -> list[Recording]:
    """Decide the undecided recordings."""
    n_clips = sum(len(recording.clips) for recording in recordings)
    n_wanted = max(config.min_validation_clips, round(config.validation_share * n_clips))
    n_taken = sum(recording.n_held_out for recording in recordings)
    decisions: dict[str, HeldOut] = {}
    new = [r for r in recordings if r.held_out is None and r.clips]

    def take_whole(candidates: Iterable[Recording], most: float, enough: int) -> None:
        nonlocal n_taken
        for recording in candidates:
            total = n_taken + len(recording.clips)
            if n_taken < enough and total <= min(most, n_clips - 1):
                decisions[recording.name] = "all"
                n_taken = total

    def undecided() -> list[Recording]:
        rest = [recording for recording in new if recording.name not in decisions]
        return sorted(rest, key=lambda r: (len(r.clips), _stable_hash(r.name)))

    by_hash = sorted(new, key=lambda recording: _stable_hash(recording.name))
    take_whole(by_hash, n_wanted, n_wanted)
    take_whole(undecided(), config.max_recording_share * n_clips, config.min_validation_clips)
    if n_taken < config.min_validation_clips and undecided():
        longest = undecided()[-1]
        decisions[longest.name] = min(n_wanted - n_taken, len(longest.clips) - 1)
    return [_decided(recording, decisions) for recording in recordings]


def _decided(recording: Recording, decisions: Mapping[str, HeldOut]) -> Recording:
    if recording.held_out is not None or not recording.clips:
        return recording
    return replace(recording, held_out=decisions.get(recording.name, 0))


def _stable_hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
