"""One recording becomes clips, in two passes over its stream: listen, then cut."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from ezrvc_audio.config import PreparationConfig
from ezrvc_audio.errors import AudioError
from ezrvc_audio.loudness_meter import LoudnessMeter
from ezrvc_audio.manifest import Clip
from ezrvc_audio.preparation.ledger import SourceRecord
from ezrvc_audio.preparation.naming import clip_path
from ezrvc_audio.preparation.sources import Digest, Source, digest
from ezrvc_audio.reading import probe, stream
from ezrvc_audio.slicing import Segment, Slicer
from ezrvc_audio.slicing.slicer import TimeSpan
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import AudioWriter

_BLOCK_S = 10.0
_N_PASSES = 2

Report = Callable[[float], None]
"""Told which share of a recording is done, between 0 and 1."""


@dataclass(frozen=True)
class ClipTask:
    """All that a worker needs to cut one recording.

    Attributes:
        source: the recording.
        digest: what its file holds.
        experiment: the folder that clips are written below.
        sample_rate: of the clips, Hz.
        config: how to cut.
        settings: fingerprint of all settings.
        within: the only spans to use, seconds; None: all of it.
    """

    source: Source
    digest: Digest
    experiment: Path
    sample_rate: int
    config: PreparationConfig
    settings: str
    within: tuple[TimeSpan, ...] | None = None

    def record(
        self, *, duration_s: float = 0.0, clips: Sequence[Clip] = (), skipped: str | None = None
    ) -> SourceRecord:
        """What became of the recording."""
        return SourceRecord(
            speaker=self.source.speaker,
            source=self.source.name,
            size=self.digest.size,
            sha256=self.digest.sha256,
            settings=self.settings,
            duration_s=duration_s,
            clips=tuple(clips),
            skipped=skipped,
        )


class SourceError(AudioError):
    """The recording is at fault, not the place that clips are written to."""


@dataclass(frozen=True)
class _Heard:
    """What the first pass finds out."""

    segments: list[Segment]
    duration_s: float
    level_dbfs: float
    gain: float


def make_clips(task: ClipTask, report: Report | None = None) -> SourceRecord:
    """Cut one recording and write its clips.

    Args:
        task: the recording and how to cut it.
        report: told of the progress.

    Returns:
        The record to commit; that of a recording that cannot be used says why. Its `settings` are
        empty if another try may succeed, as after a failure of the disk.

    Raises:
        AudioError: a clip cannot be written.
    """
    try:
        heard = _listen(task, report)
        if not heard.segments:
            return task.record(duration_s=heard.duration_s, skipped=_why_unused(heard, task.config))
        return task.record(duration_s=heard.duration_s, clips=_write_clips(task, heard, report))
    except SourceError as error:
        may_recover = isinstance(error.__cause__, OSError)
        failed = replace(task, settings="") if may_recover else task
        return failed.record(skipped=str(error))


def cut_segments(
    blocks: Iterable[Waveform], segments: Sequence[Segment]
) -> Iterator[tuple[Segment, Waveform]]:
    """Cut segments, in order and without overlap, out of a recording that arrives in blocks.

    Yields:
        Each segment piece by piece, as its sound arrives: a segment may be too long to hold.

    Raises:
        SourceError: the recording ends before the last segment does.
    """
    waiting = iter(segments)
    segment = next(waiting, None)
    position = 0
    for block in blocks:
        end = position + block.n_samples
        while segment is not None and segment.start < end:
            yield segment, block.cut(max(0, segment.start - position), segment.end - position)
            if segment.end > end:
                break
            segment = next(waiting, None)
        if segment is None:
            return
        position = end
    raise SourceError("changed while it was read; run again")


def _listen(task: ClipTask, report: Report | None) -> _Heard:
    """First pass: where to cut, and by how much to amplify."""
    slicer = Slicer(task.sample_rate, task.config.slicer)
    meter = LoudnessMeter(task.sample_rate)
    for block in _blocks(task, report, passes_before=0):
        slicer.push(block)
        meter.push(block)
    segments = slicer.finish(task.within)
    gain = _gain(meter.lufs, slicer.peak, task.config)
    return _Heard(segments, slicer.duration_s, slicer.level_dbfs, gain)


def _write_clips(task: ClipTask, heard: _Heard, report: Report | None) -> list[Clip]:
    """Second pass: cut, amplify, write."""
    clips: list[Clip] = []
    pieces = cut_segments(_blocks(task, report, passes_before=1), heard.segments)
    for number, (segment, cut) in enumerate(groupby(pieces, key=itemgetter(0)), start=1):
        relative = clip_path(task.source.speaker, task.source.name, number)
        path = task.experiment / relative
        with AudioWriter(path, task.sample_rate, 1, bit_depth=task.config.bit_depth) as writer:
            for _, piece in cut:
                amplified = piece.samples * np.float32(heard.gain)
                writer.write(Waveform(amplified, piece.sample_rate))
        clips.append(
            Clip(
                path=relative,
                speaker=task.source.speaker,
                source=task.source.name,
                start_s=segment.start_s,
                end_s=segment.end_s,
                sha256=digest(path).sha256,
            )
        )
    return clips


def _blocks(task: ClipTask, report: Report | None, *, passes_before: int) -> Iterator[Waveform]:
    """The recording at the clips' rate, mono; its faults become `SourceError`."""
    path = task.source.path
    position_s = 0.0
    try:
        duration_s = probe(path).duration_s
        for block in stream(path, block_s=_BLOCK_S, sample_rate=task.sample_rate, mono=True):
            yield block
            position_s += block.duration_s
            if report is not None and duration_s > 0.0:
                report((passes_before + min(1.0, position_s / duration_s)) / _N_PASSES)
    except (AudioError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        raise SourceError(str(error).removeprefix(f"{path}: ")) from cause


def _gain(lufs: float, peak: float, config: PreparationConfig) -> float:
    """Factor that brings a recording to its loudness as far as its peak allows."""
    wanted = 1.0
    if config.loudness_lufs is not None and np.isfinite(lufs):
        wanted = 10 ** ((config.loudness_lufs - lufs) / 20)
    highest = 10 ** (config.peak_dbfs / 20)
    return min(wanted, highest / peak) if peak > 0.0 else wanted


def _why_unused(heard: _Heard, config: PreparationConfig) -> str:
    """Why a recording that can be read gives no clip."""
    least_s = config.slicer.min_sound_s
    if heard.duration_s < least_s:
        return f"too short: {heard.duration_s:.2f} s, at least {least_s:g} s are needed"
    if heard.level_dbfs <= config.slicer.silence_dbfs:
        return f"silent: nothing in it is louder than {config.slicer.silence_dbfs:g} dB"
    return f"too short: it holds no {least_s:g} s of sound without long pauses"
