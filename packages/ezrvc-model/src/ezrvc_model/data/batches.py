"""The batch of any training step, computed from the step's number alone."""

import math

import numpy as np
from torch.utils.data import Dataset

from ezrvc_features.frames import FrameSpec
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.clip_set import ClipSet
from ezrvc_model.data.order import ClipOrder, Visit, visit_entropy, visit_key
from ezrvc_model.data.pieces import Piece, Pieces, bucket, cut, lay_together, reach_frames
from ezrvc_model.data.pitch_shift import shift_pitch

_QUIETEST_GAIN = 0.1
_LOUDEST_GAIN = 10.0


class TrainingBatches(Dataset[Pieces]):
    """A data set whose items are whole batches: item n is what step n + 1 trains on.

    Order, crops and augmentation are functions of (seed, epoch, clip), so a clip is used alike
    whichever process has it, and after every resume.

    Args:
        clips: the clips to train on.
        frames: the model's frame grid.
        n_fft: of the model's spectrogram.
        batch_size: pieces a batch, over all processes.
        max_clip_frames: longer clips are cropped to this, at a random place.
        seed: of everything random here.
        volume_augmentation: make half of the pieces louder or quieter at random.
        pitch_augmentation_semitones: play half of the pieces higher or lower by up to this.
        min_frames: a piece that would become shorter keeps its pitch.
        fixed_length: fill every batch up to `max_clip_frames`, instead of to one of a few lengths.
        rank: which process this is.
        n_processes: how many share a batch; process r takes every n-th piece from the r-th.
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
        pitch_augmentation_semitones: float = 0.0,
        min_frames: int = 1,
        fixed_length: bool = False,
        rank: int = 0,
        n_processes: int = 1,
    ) -> None:
        self.clips = clips
        self.order = ClipOrder(len(clips), batch_size, seed)
        self._frames = frames
        self._n_fft = n_fft
        self._max_clip_frames = max_clip_frames
        self._seed = seed
        self._volume_augmentation = volume_augmentation
        self._semitones = pitch_augmentation_semitones
        self._min_frames = min_frames
        self._fixed_length = fixed_length
        self._share = slice(rank, None, n_processes)

    def __getitem__(self, index: int) -> Pieces:
        pieces = [self._piece(visit, index) for visit in self.order.batch(index)[self._share]]
        longest = max(piece.clip.n_frames for piece in pieces)
        limit = self._max_clip_frames
        length = limit if self._fixed_length else bucket(longest, limit)
        return lay_together(pieces, self._frames.hop_length, length)

    def _piece(self, visit: Visit, step: int) -> Piece:
        clip = self.clips[visit.clip]
        random = np.random.default_rng(visit_entropy(self._seed, visit.epoch, clip.name))
        start = int(random.integers(max(clip.n_frames - self._max_clip_frames, 0) + 1))
        if self._semitones and random.random() < 0.5:
            clip, start = self._shifted(clip, start, random.uniform(-1, 1) * self._semitones)
        key = visit_key(self._seed, step, visit.epoch, clip.name)
        piece = cut(clip, start, self._max_clip_frames, self._frames, self._n_fft, key)
        if self._volume_augmentation:
            piece = piece.amplified(_random_gain(clip.peak, random))
        return piece

    def _shifted(
        self, clip: TrainingClip, start: int, semitones: float
    ) -> tuple[TrainingClip, int]:
        """The clip around a piece at another pitch, and where the piece begins in it."""
        faster = 2 ** (semitones / 12)
        if clip.n_frames / faster < self._min_frames + 2:
            return clip, start
        around = 2 * reach_frames(self._frames.hop_length, self._n_fft)
        n_frames = math.ceil(self._max_clip_frames * faster) + around
        first = max(min(start, clip.n_frames - n_frames), 0)
        last = min(first + n_frames, clip.n_frames)
        before = max(first - around, 0)
        shifted = shift_pitch(clip.part(before, last, self._frames), semitones, self._frames)
        latest = max(shifted.n_frames - self._max_clip_frames, 0)
        return shifted, min(round((first - before) / faster), latest)


def _random_gain(peak: float, random: np.random.Generator) -> float:
    """1 half of the time, else log-uniform from 0.1 to the least of 10 and 1 / peak.

    These are the bounds of so-vits-svc 4.1: nothing is made to clip.
    """
    if random.random() < 0.5 or peak == 0.0:
        return 1.0
    low, high = math.log(_QUIETEST_GAIN), math.log(min(_LOUDEST_GAIN, 1.0 / peak))
    return math.exp(random.uniform(low, max(low, high)))
