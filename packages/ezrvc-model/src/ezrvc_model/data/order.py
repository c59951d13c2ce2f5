"""Which clips a training step uses: a function of the seed and the step, of nothing else.

So a run that is resumed at step n continues with exactly the clips it would have used, and no
position needs to be saved.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Visit:
    """One use of one clip.

    Attributes:
        clip: index of the clip in its set.
        epoch: the pass over the set that this use belongs to; a clip is visited once an epoch.
    """

    clip: int
    epoch: int


class ClipOrder:
    """An endless row of visits, cut into batches of equal size.

    The row is one shuffled pass over the set after another; a batch may end one pass and begin
    the next, so that no clip is dropped and a set smaller than a batch works too.
    """

    def __init__(self, n_clips: int, batch_size: int, seed: int) -> None:
        if n_clips <= 0 or batch_size <= 0:
            raise ValueError(f"an order needs clips and a batch size, got {n_clips}, {batch_size}")
        self._n_clips = n_clips
        self._batch_size = batch_size
        self._seed = seed
        self._shuffled: tuple[int, NDArray[np.int64]] | None = None

    def batch(self, step: int) -> list[Visit]:
        """The visits of the step that follows after `step` finished steps."""
        first = step * self._batch_size
        return [self._visit(place) for place in range(first, first + self._batch_size)]

    def epoch(self, step: int) -> int:
        """Whole passes over the set after `step` finished steps."""
        return step * self._batch_size // self._n_clips

    def _visit(self, place: int) -> Visit:
        epoch, rank = divmod(place, self._n_clips)
        if self._shuffled is None or self._shuffled[0] != epoch:
            random = np.random.default_rng((self._seed, epoch))
            self._shuffled = (epoch, random.permutation(self._n_clips))
        return Visit(int(self._shuffled[1][rank]), epoch)


def visit_entropy(seed: int, epoch: int, clip_name: str) -> tuple[int, ...]:
    """Numbers that seed whatever is random about one visit (crop, augmentation).

    They depend on the clip's name and not on its place in a batch or a process, so that a batch
    spread over several processes draws what one process would draw.
    """
    digest = hashlib.sha256(clip_name.encode()).digest()
    return (seed, epoch, int.from_bytes(digest[:8], "little"))


def visit_key(seed: int, step: int, epoch: int, clip_name: str) -> int:
    """A number below 2**62 that seeds the noise of one visit.

    Of these four, so that it is the same in whichever process, and differs between two uses of a
    clip within a step.
    """
    text = f"{seed}/{step}/{epoch}/{clip_name}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 2
