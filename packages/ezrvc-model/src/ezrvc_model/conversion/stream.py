"""One conversion from end to end, in constant memory: curves first, then sound block by block."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.f0.interpolation import interpolate_unvoiced
from ezrvc_model.conversion.adaptive_key import automatic_key
from ezrvc_model.conversion.assembly import Assembly
from ezrvc_model.conversion.blocks import Block, plan_blocks
from ezrvc_model.conversion.content import WindowContent
from ezrvc_model.conversion.curves import SourceCurves
from ezrvc_model.conversion.enhancer import Enhancer
from ezrvc_model.conversion.gate import SpanGate, sounding_spans
from ezrvc_model.conversion.loudness import LoudnessMatcher
from ezrvc_model.conversion.retrieval import ContentRetrieval
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.conversion.synthesis import BlockSynthesizer, VoiceCurves
from ezrvc_model.conversion.windows import Mono, SlidingSource
from ezrvc_model.vocoders.mel_vocoder import HiFiGANVocoder

_SEAM_S = 0.05
"""How far two blocks that meet each reach over their seam; the crossfade is twice as long."""

OpenSource = Callable[[], Iterable[Waveform]]
"""Starts a recording over: mono blocks at the voice's rate."""


class ConversionStream:
    """Gives the converted recording piece by piece.

    Args:
        open_source: starts the recording over.
        curves: what was measured of it.
        aligner: the voice's frame grid and rules.
        encoder: says what is spoken.
        synthesizer: the network.
        settings: how to convert.
        transpose_semitones: pitch shift of the recording.
        vocoder: makes the result anew; None: the result stays as it is.
        retrieval: moves the content towards the target speaker's; None: it stays as it is.
    """

    def __init__(
        self,
        open_source: OpenSource,
        curves: SourceCurves,
        aligner: FeatureAligner,
        encoder: ContentEncoder,
        synthesizer: BlockSynthesizer,
        settings: ConversionSettings,
        transpose_semitones: float,
        vocoder: HiFiGANVocoder | None = None,
        retrieval: ContentRetrieval | None = None,
    ) -> None:
        self._open_source = open_source
        self._curves = curves
        self._frames = aligner.frames
        self._unvoiced = aligner.unvoiced
        self._synthesizer = synthesizer
        self._settings = settings
        self.transpose_semitones = transpose_semitones
        self._vocoder = vocoder
        self._content = WindowContent(
            encoder, aligner, curves.n_samples, curves.n_frames_total, retrieval
        )
        self._spans = sounding_spans(
            curves.volume[: curves.n_frames],
            settings.silence_threshold_db,
            self._frames.frame_rate_hz,
        )
        self._blocks = plan_blocks(
            self._spans,
            curves.volume,
            block_frames=self._to_frames(settings.block_s),
            context_frames=self._to_frames(settings.context_s),
        )

    @property
    def silent(self) -> bool:
        """Whether nothing sounds."""
        return not self._blocks

    def pieces(self, progress: Progress) -> Iterator[Mono]:
        """The result, `curves.n_samples` samples in all; each piece is (n_samples,), not empty."""
        matcher = LoudnessMatcher(
            self._curves.loudness, self._frames.sample_rate, self._settings.loudness_mix
        )
        curves = self._voice_curves(progress)
        pieces = self._synthesized(curves, progress)
        if self._vocoder is not None and not self.silent:
            pieces = self._enhanced(self._vocoder, pieces, curves)
        for piece in pieces:
            yield from _if_any(matcher.push(piece))
        yield from _if_any(matcher.finish())

    def _synthesized(self, curves: VoiceCurves, progress: Progress) -> Iterator[Mono]:
        """What the network makes, block after block, and the silence between."""
        seam_frames = self._to_frames(_SEAM_S)
        assembly = Assembly(
            self._curves.n_samples, self._frames.hop_length, self._frames.sample_rate, seam_frames
        )
        source = SlidingSource(self._open_source())
        for block in self._reported("convert", progress):
            audio = self._synthesizer.synthesize(
                block, self._content, source, curves, seam_frames=seam_frames
            )
            yield from assembly.add(block, audio)
        yield from assembly.finish()

    def _enhanced(
        self, vocoder: HiFiGANVocoder, pieces: Iterator[Mono], curves: VoiceCurves
    ) -> Iterator[Mono]:
        """The pieces made anew by a vocoder; silence stays where it was."""
        key = self._settings.enhancer_key_semitones
        enhancer = Enhancer(
            vocoder,
            curves.f0,
            self._frames,
            self._curves.n_samples,
            key_semitones=automatic_key(curves.f0[curves.voiced]) if key is None else key,
            seed=self._settings.seed,
        )
        gate = SpanGate(
            self._spans, self._frames.hop_length, self._frames.sample_rate, self._curves.n_samples
        )
        for piece in enhancer.enhance(pieces):
            yield gate.push(piece)

    def _voice_curves(self, progress: Progress) -> VoiceCurves:
        """The curves that the network is given: transposed or predicted pitch, without gaps."""
        hz = self._curves.hz * np.float32(2 ** (self.transpose_semitones / 12))
        if self._unvoiced == "interpolate":
            hz = interpolate_unvoiced(hz, self._curves.voiced)
        given = VoiceCurves(hz, self._curves.voiced, self._curves.volume)
        if self._settings.predict_f0:
            given = replace(given, f0=self._predicted(given, progress))
        return replace(given, phase=self._synthesizer.phases(given.f0))

    def _predicted(self, given: VoiceCurves, progress: Progress) -> Mono:
        source = SlidingSource(self._open_source())
        predicted = given.f0.copy()
        for block in self._reported("predict pitch", progress):
            predicted[block.start : block.end] = self._synthesizer.predict_f0(
                block, self._content, source, given
            )
        return predicted

    def _reported(self, step: str, progress: Progress) -> Iterator[Block]:
        """The blocks; each is reported once it is done."""
        total_s = self._curves.n_samples / self._frames.sample_rate
        for block in self._blocks:
            yield block
            progress(step, min(total_s, block.end / self._frames.frame_rate_hz), total_s)
        progress(step, total_s, total_s)

    def _to_frames(self, seconds: float) -> int:
        return max(1, round(seconds * self._frames.frame_rate_hz))


def _if_any(piece: Mono) -> Iterator[Mono]:
    if len(piece):
        yield piece
