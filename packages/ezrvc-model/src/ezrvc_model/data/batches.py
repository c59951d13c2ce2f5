"""The batch of any training step, computed from the step's number alone."""

import math

import numpy as np
from torch.utils.data import Dataset

from ezrvc_features.frames import FrameSpec
from ezrvc_model.data.batch import Batch, collate
from ezrvc_model.data.clip import TrainingClip, amplify, crop
from ezrvc_model.data.clip_set import ClipSet
from ezrvc_model.data.order import ClipOrder, Visit, visit_entropy

_QUIETEST_GAIN = 0.1
_LOUDEST_GAIN = 10.0


class TrainingBatches(Dataset[Batch]):
    """A data set whose items are whole batches: item n is what step n + 1 trains on.

    Order, crops and augmentation are functions of (seed, epoch, clip), so item n is the same in
    every process and after every resume.

    Args:
        clips: the clips to train on.
        frames: the model's frame grid.
        n_fft: of the model's spectrogram.
        batch_size: pieces a batch.
        max_clip_frames: longer clips are cropped to this, at a random place.
        seed: of everything random here.
        volume_augmentation: make half of the pieces louder or quieter at random.
    """

    def __init__(
        self,
        clips: ClipSet,
        frames: FrameSpec,
        n_fft: int,
        *,
        batch_size: int,
        max_clip_frames: int,
        seed: int,
        volume_augmentation: bool = False,
    ) -> None:
        self.clips = clips
        self.order = ClipOrder(len(clips), batch_size, seed)
        self._frames = frames
        self._n_fft = n_fft
        self._max_clip_frames = max_clip_frames
        self._seed = seed
        self._volume_augmentation = volume_augmentation

    def __getitem__(self, index: int) -> Batch:
        pieces = [self._piece(visit) for visit in self.order.batch(index)]
        return collate(pieces, self._frames.hop_length)

    def _piece(self, visit: Visit) -> TrainingClip:
        clip = self.clips[visit.clip]
        random = np.random.default_rng(visit_entropy(self._seed, visit.epoch, clip.name))
        start = int(random.integers(max(clip.n_frames - self._max_clip_frames, 0) + 1))
        piece = crop(clip, start, self._max_clip_frames, self._frames, self._n_fft)
        if self._volume_augmentation:
            piece = amplify(piece, _random_gain(float(piece.audio.abs().max()), random))
        return piece


def _random_gain(peak: float, random: np.random.Generator) -> float:
    """1 half of the time, else log-uniform from 0.1 to the least of 10 and 1 / peak.

    These are the bounds of so-vits-svc 4.1: nothing is made to clip.
    """
    if random.random() < 0.5 or peak == 0.0:
        return 1.0
    low, high = math.log(_QUIETEST_GAIN), math.log(min(_LOUDEST_GAIN, 1.0 / peak))
    return math.exp(random.uniform(low, max(low, high)))
