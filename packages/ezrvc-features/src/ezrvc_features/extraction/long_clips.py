"""Features of clips too long to hold: each is computed passage by passage, and written so.

Volume and spectrogram are those of one pass. Pitch is looked for in windows in any case; they lie
elsewhere here. Content is computed in passages of two minutes that hear ten seconds on either side
and are crossfaded over a second; what an encoder normalises over all that it hears (the mel
encoder its bands, some networks the sound) it normalises over the passage.
"""

from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_audio.reading import probe
from ezrvc_audio.resampling import resampled_length
from ezrvc_audio.waveform import Waveform
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.windows import SPEECH_HOP, SPEECH_RATE
from ezrvc_features.errors import FeatureError
from ezrvc_features.extraction.extractor import FeatureExtractor
from ezrvc_features.extraction.passages import passages
from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_features.store.column_blocks import ColumnBlocks
from ezrvc_features.volume import frame_volume

LONG_CLIP_S = 60.0
"""Clips beyond this length are not held in memory as a whole, seconds."""
_PASSAGE_S = 120
_CONTENT_MARGIN_S = 10
_F0_MARGIN_S = 3
_RAMP_S = 0.5
"""Half of the time over which the content of two passages is crossfaded, seconds."""
_SPECTRUM_FRAMES = 2048
"""Frames of a spectrogram computed at once."""


class LongClip:
    """The features of one long sound file; nothing here grows with its length but two curves.

    Args:
        extractor: the models and the grid.
        path: the sound file, whose header says how long it is.

    Raises:
        AudioError: the file cannot be read.
    """

    def __init__(self, extractor: FeatureExtractor, path: Path) -> None:
        self._extractor = extractor
        self._frames: FrameSpec = extractor.frames
        self._path = path
        info = probe(path)
        self._n_speech = resampled_length(info.n_samples, info.sample_rate, SPEECH_RATE)
        n_grid = resampled_length(info.n_samples, info.sample_rate, self._frames.sample_rate)
        self._n_frames = self._frames.n_frames(n_grid)

    def content(self) -> ColumnBlocks | torch.Tensor:
        """What is said, (dim, n_content_frames)."""
        encoder = self._extractor.encoder
        count = getattr(encoder, "n_frames", None)
        if count is None:  # an encoder that cannot tell its frames before it has heard everything
            return torch.cat(list(self._content_blocks(encoder)), dim=1)
        return ColumnBlocks((encoder.dim, count(self._n_speech)), self._content_blocks(encoder))

    def f0(self) -> NDArray[np.float32]:
        """Hz and voiced, (2, n_frames)."""
        length_frames = round(_PASSAGE_S * self._frames.frame_rate_hz)
        margin_frames = ceil(_F0_MARGIN_S * self._frames.frame_rate_hz)

        def estimate(sound: Waveform) -> NDArray[np.float32]:
            curve = self._extractor.f0(sound)
            return np.stack([curve.hz, curve.voiced.astype(np.float32)])

        return self._joined(2, self._frame_blocks(estimate, length_frames, margin_frames))

    def volume(self) -> NDArray[np.float32]:
        """Frame RMS, (n_frames,)."""
        hop_length = self._frames.hop_length

        def measure(sound: Waveform) -> NDArray[np.float32]:
            return frame_volume(torch.from_numpy(sound.samples), hop_length).numpy()

        return self._joined(1, self._frame_blocks(measure, _SPECTRUM_FRAMES, 1))[0]

    def spectrogram(self, n_fft: int) -> ColumnBlocks:
        """Linear magnitudes, (n_fft // 2 + 1, n_frames)."""
        hop_length = self._frames.hop_length
        margin_frames = ceil(n_fft / hop_length)

        def transform(sound: Waveform) -> NDArray[np.float32]:
            return linear_spectrogram(torch.from_numpy(sound.samples), n_fft, hop_length)[0].numpy()

        blocks = self._frame_blocks(transform, _SPECTRUM_FRAMES, margin_frames)
        shape = (n_fft // 2 + 1, self._n_frames)
        return ColumnBlocks(shape, (torch.from_numpy(block) for block in blocks))

    def _joined(self, n_rows: int, blocks: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Blocks of a curve as one, (n_rows, n_frames).

        No block is kept: many small arrays that stay, made between large ones that go, would
        leave the process's heap full of holes, gigabytes of them in three hours.
        """
        joined = np.zeros((n_rows, self._n_frames), np.float32)
        n_filled = 0
        for block in blocks:
            room = self._n_frames - n_filled
            joined[:, n_filled : n_filled + block.shape[1]] = block[:, :room]
            n_filled += block.shape[1]
        if n_filled != self._n_frames:
            raise FeatureError(f"it has {n_filled} frames, its header announced {self._n_frames}")
        return joined

    def _frame_blocks(
        self,
        compute: Callable[[Waveform], NDArray[np.float32]],
        length_frames: int,
        margin_frames: int,
    ) -> Iterator[NDArray[np.float32]]:
        """What `compute` gives (its last axis is frames) passage by passage, margins cut off."""
        frames = self._frames
        length, margin = frames.n_samples(length_frames), frames.n_samples(margin_frames)
        for passage in passages(self._path, frames.sample_rate, length, margin):
            first = passage.n_before // frames.hop_length
            n_own = frames.n_frames(passage.end - passage.start)
            yield compute(passage.sound)[..., first : first + n_own]

    def _content_blocks(self, encoder: ContentEncoder) -> Iterator[torch.Tensor]:
        length, margin = _PASSAGE_S * SPEECH_RATE, _CONTENT_MARGIN_S * SPEECH_RATE
        ramp = round(_RAMP_S * encoder.frame_rate_hz)
        rising = (torch.arange(2 * ramp) + 0.5) / (2 * ramp)
        before: torch.Tensor | None = None
        for passage in passages(self._path, SPEECH_RATE, length, margin):
            content = encoder.encode(passage.sound)
            first = passage.n_before // SPEECH_HOP
            if before is not None:
                content = content[:, first - ramp :].clone()
                content[:, : 2 * ramp] *= rising
                content[:, : 2 * ramp] += before
                first = ramp
            if passage.is_last:
                yield content
                return
            end = first + length // SPEECH_HOP
            before = content[:, end - ramp : end + ramp] * (1 - rising)
            yield content[:, : end - ramp]
