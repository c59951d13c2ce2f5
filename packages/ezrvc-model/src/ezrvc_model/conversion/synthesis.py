"""From the curves and content of one block to its sound in the target voice."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_model.conversion.blocks import Block
from ezrvc_model.conversion.content import WindowContent
from ezrvc_model.conversion.positioned_noise import PositionedNoise
from ezrvc_model.conversion.source_phase import partial_phases
from ezrvc_model.conversion.speaker_track import SpeakerTrack
from ezrvc_model.conversion.windows import Mono, SlidingSource
from ezrvc_model.synthesizer.synthesizer import Synthesizer

_DECODER_CONTEXT_FRAMES = 24
"""Frames the decoder is given beyond what is kept: more than its convolutions reach."""
_LATENT_STREAM, _SOURCE_STREAM, _PHASE_STREAM = 0, 1, 2


@dataclass(frozen=True, eq=False)
class VoiceCurves:
    """What the network is told of every frame of the recording, final before synthesis starts.

    Attributes:
        f0: Hz, float32, (n_frames,), transposed and without gaps.
        voiced: bool, (n_frames,).
        volume: float32, (n_frames,).
        phase: of each partial of the source before each frame, cycles, float32, (n_frames,
            n_partials); None where the network has no source.
    """

    f0: NDArray[np.float32]
    voiced: NDArray[np.bool_]
    volume: NDArray[np.float32]
    phase: NDArray[np.float32] | None = None


class BlockSynthesizer:
    """Runs the network over one block at a time.

    Args:
        generator: the network, ready for inference.
        speaker: who speaks in each frame.
        device: where the network lies.
        noise_scale: how much the latent varies.
        seed: of all noise.
    """

    def __init__(
        self,
        generator: Synthesizer,
        speaker: SpeakerTrack,
        device: torch.device,
        *,
        noise_scale: float,
        seed: int,
    ) -> None:
        self._generator = generator
        self._hop_length = generator.config.hop_length
        self._speaker = speaker
        self._device = device
        self._noise_scale = noise_scale
        self._seed = seed

    def phases(self, f0: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Of each partial of the source before each frame: `VoiceCurves.phase` for a pitch."""
        source = self._generator.sine_source
        if source is None:
            return None
        return partial_phases(source, f0, seed=self._seed, stream=_PHASE_STREAM)

    @torch.inference_mode()
    def predict_f0(
        self,
        block: Block,
        content: WindowContent,
        source: SlidingSource,
        curves: VoiceCurves,
    ) -> NDArray[np.float32]:
        """The voice's own pitch for the frames of a block, Hz, (block.end - block.start,)."""
        f0, voiced, volume = self._curves(curves, block.window_start, block.window_end)
        predicted = self._generator.predict_f0(
            self._content(content, source, block),
            f0,
            voiced,
            self._speaker.between(block.window_start, block.window_end),
            volume,
        )
        kept = predicted[0, block.start - block.window_start : block.end - block.window_start]
        return kept.float().cpu().numpy()

    @torch.inference_mode()
    def synthesize(
        self,
        block: Block,
        content: WindowContent,
        source: SlidingSource,
        curves: VoiceCurves,
        *,
        seam_frames: int,
    ) -> Mono:
        """The sound of a block, with `seam_frames` more at each end that is not a span's edge."""
        first, last = block.window_start, block.window_end
        f0, voiced, volume = self._curves(curves, first, last)
        latent = self._generator.encode(
            self._content(content, source, block),
            f0,
            voiced,
            self._speaker.between(first, last),
            volume,
            noise_scale=self._noise_scale,
            noise=PositionedNoise(self._seed, first, stream=_LATENT_STREAM, axis=2),
        )
        kept_start = block.start - (0 if block.opens else seam_frames)
        kept_end = block.end + (0 if block.closes else seam_frames)
        start = max(first, kept_start - _DECODER_CONTEXT_FRAMES)
        end = min(last, kept_end + _DECODER_CONTEXT_FRAMES)
        inside = slice(start - first, end - first)
        hiss = PositionedNoise(self._seed, start * self._hop_length, stream=_SOURCE_STREAM, axis=1)
        phase = None
        if curves.phase is not None:
            phase = torch.from_numpy(curves.phase[start]).unsqueeze(0).to(self._device)
        # positioned draws are made on the CPU: one a sample instead of one for each partial
        excitation = self._generator.source(
            f0[:, inside], start_phase=phase, noise=hiss, summed_hiss=True
        )
        speaker = self._speaker.between(start, end)
        audio = self._generator.decode(latent[..., inside], excitation, speaker)[0, 0]
        offset = (kept_start - start) * self._hop_length
        n_samples = (kept_end - kept_start) * self._hop_length
        return audio[offset : offset + n_samples].float().cpu().numpy()

    def _content(self, content: WindowContent, source: SlidingSource, block: Block) -> torch.Tensor:
        vectors = content.read(source, block.window_start, block.window_end)
        return vectors.unsqueeze(0).to(self._device)

    def _curves(
        self, curves: VoiceCurves, start: int, end: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """F0, voiced and volume of some frames, (1, n_frames) each."""
        f0, voiced, volume = (
            torch.from_numpy(curve[start:end].astype(np.float32)).unsqueeze(0).to(self._device)
            for curve in (curves.f0, curves.voiced, curves.volume)
        )
        return f0, voiced, volume
