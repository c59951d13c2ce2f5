"""The enhancer: sound taken apart into mel and pitch, and made anew by a stand-alone vocoder."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_audio.resampling import StreamResampler, resampled_length
from ezrvc_audio.waveform import Waveform
from ezrvc_features.f0.interpolation import interpolate_unvoiced
from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import VOCODER_EPSILON, mel_spectrogram
from ezrvc_model.conversion.adaptive_key import adaptive_rate
from ezrvc_model.conversion.positioned_noise import PositionedNoise
from ezrvc_model.conversion.source_phase import partial_phases
from ezrvc_model.conversion.windows import Mono, SlidingSource
from ezrvc_model.vocoders.mel_vocoder import HiFiGANVocoder

BLOCK_FRAMES = 512
"""Frames of the vocoder that are made at once; bounds memory."""
_DIGITAL_SILENCE = 1e-7
_HISS_STREAM, _PHASE_STREAM = 3, 4


class Enhancer:
    """Resynthesizes one recording, in constant memory; as many samples come out as go in.

    The NSF-HiFiGAN enhancer of DDSP-SVC and so-vits-svc 4.1. The sound is resampled to the rate
    that `adaptive_rate` says, its mel is taken as if it were at the vocoder's rate, and what the
    vocoder makes is resampled back. Blocks have as much context as the vocoder looks at, and
    phase and hiss of the source follow from the place in the recording, so that blocks join as if
    the whole had been made at once. Frames amid digital silence stay digital silence.

    Args:
        vocoder: prepared for inference.
        f0: of the whole recording, Hz, 0 where unvoiced, (n_frames,).
        frames: the grid of `f0`, at the recording's rate.
        n_samples: of the recording.
        key_semitones: how far down the sound is brought for the vocoder, see `automatic_key`.
        seed: of the source's noise.
        block_frames: frames of the vocoder that are made at once.
    """

    def __init__(
        self,
        vocoder: HiFiGANVocoder,
        f0: NDArray[np.floating],
        frames: FrameSpec,
        n_samples: int,
        *,
        key_semitones: float = 0.0,
        seed: int = 0,
        block_frames: int = BLOCK_FRAMES,
    ) -> None:
        self._vocoder = vocoder
        self._hop_length = vocoder.hop_length
        self._device = next(vocoder.parameters()).device
        self._rate = frames.sample_rate
        self._n_samples = n_samples
        self._seed = seed
        self._block_frames = block_frames
        rate = vocoder.mel.sample_rate
        self._adaptive_rate = adaptive_rate(rate, key_semitones)
        n_resampled = resampled_length(n_samples, self._rate, self._adaptive_rate)
        self._n_frames = max(1, math.ceil(n_resampled / self._hop_length))
        grid = FrameSpec(self._adaptive_rate, self._hop_length)
        retimed = _retimed(f0, frames, grid.times_s(self._n_frames))
        self._f0 = (retimed * (rate / self._adaptive_rate)).astype(np.float32)
        # frames whose analysis window meets the edge of a block's sound count as unknown
        tainted = math.ceil((vocoder.mel.n_fft - self._hop_length) / 2 / self._hop_length)
        self._context = vocoder.decoder.reach + tainted
        self._phases: NDArray[np.float32] | None = None
        if vocoder.sine_source is not None:
            self._phases = partial_phases(
                vocoder.sine_source, self._f0, seed=seed, stream=_PHASE_STREAM
            )

    def enhance(self, pieces: Iterable[Mono]) -> Iterator[Mono]:
        """Make the recording anew.

        Args:
            pieces: the recording, (n_samples,) each, in order.

        Yields:
            Pieces that together are as long as the recording; none is empty.
        """
        source = SlidingSource(self._resampled(pieces))
        back = StreamResampler(self._adaptive_rate, self._rate)
        given = 0
        for made in self._made(source):
            piece = back.push(made[np.newaxis])[0][: self._n_samples - given]
            given += len(piece)
            if len(piece):
                yield piece
        rest = back.finish()[0][: self._n_samples - given]
        if len(rest):
            yield rest

    def _resampled(self, pieces: Iterable[Mono]) -> Iterator[Waveform]:
        resampler = StreamResampler(self._rate, self._adaptive_rate)
        for piece in pieces:
            ready = resampler.push(piece[np.newaxis])
            if ready.shape[1]:
                yield Waveform(ready, self._adaptive_rate)
        left = resampler.finish()
        if left.shape[1]:
            yield Waveform(left, self._adaptive_rate)

    def _made(self, source: SlidingSource) -> Iterator[Mono]:
        """The recording at the vocoder's rate, and a little silence for the rounding of lengths."""
        for start in range(0, self._n_frames, self._block_frames):
            yield self._block(source, start, min(start + self._block_frames, self._n_frames))
        end = self._n_frames * self._hop_length
        source.read(end, end + 1)  # whoever gives the pieces is to come to the end too
        yield np.zeros(math.ceil(self._adaptive_rate / self._rate) + 1, dtype=np.float32)

    @torch.inference_mode()
    def _block(self, source: SlidingSource, start: int, end: int) -> Mono:
        """The samples of the frames from `start` up to `end`."""
        first = max(0, start - self._context)
        last = min(self._n_frames, end + self._context)
        window = source.read(first * self._hop_length, last * self._hop_length)
        kept = slice(start - first, end - first)
        sounds = self._near_sound(window)[kept]
        if not sounds.any():
            return np.zeros((end - start) * self._hop_length, dtype=np.float32)
        mel = mel_spectrogram(
            torch.from_numpy(window).unsqueeze(0).to(self._device),
            self._vocoder.mel,
            self._hop_length,
            epsilon=VOCODER_EPSILON,
        )
        f0 = torch.from_numpy(self._f0[first:last]).unsqueeze(0).to(self._device)
        phase = None
        if self._phases is not None:
            phase = torch.from_numpy(self._phases[first]).unsqueeze(0).to(self._device)
        hiss = PositionedNoise(self._seed, first * self._hop_length, stream=_HISS_STREAM, axis=1)
        audio = self._vocoder.vocode(mel, f0, start_phase=phase, noise=hiss)[0, 0]
        by_frame = audio.float().cpu().numpy().reshape(-1, self._hop_length)[kept]
        return (by_frame * sounds[:, np.newaxis]).reshape(-1)

    def _near_sound(self, window: Mono) -> NDArray[np.bool_]:
        """Which frames of a window have anything within the vocoder's reach, (n_frames,)."""
        by_frame = np.abs(window).reshape(-1, self._hop_length).max(axis=1) > _DIGITAL_SILENCE
        padded = np.pad(by_frame, self._context)
        return np.lib.stride_tricks.sliding_window_view(padded, 2 * self._context + 1).max(axis=1)


def _retimed(
    f0: NDArray[np.floating], frames: FrameSpec, times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The pitch at other times: straight lines between voiced frames, 0 where unvoiced."""
    voiced = f0 > 0
    if not voiced.any():
        return np.zeros(len(times_s))
    filled = interpolate_unvoiced(f0.astype(np.float32), voiced)
    curve = np.interp(times_s, frames.times_s(len(f0)), filled)
    nearest = np.minimum(np.round(times_s * frames.frame_rate_hz).astype(np.int64), len(f0) - 1)
    return np.where(voiced[nearest], curve, 0.0)
