"""Clips beyond a minute: passage by passage, near one pass, in memory that does not grow."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest
from ezrvc_audio.reading import read
from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import AudioWriter
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.config import FeatureConfig
from ezrvc_features.content.windows import SPEECH_RATE
from ezrvc_features.errors import FeatureError
from ezrvc_features.extraction import FeatureExtractor, extract_features
from ezrvc_features.extraction.long_clips import LongClip
from ezrvc_features.extraction.passages import passages
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store import FeatureStore
from ezrvc_features.store.column_blocks import ColumnBlocks, write_column_blocks
from ezrvc_features.testing.checkpoints import write_whisper_folder

MakeExperiment = Callable[..., ExperimentFolder]

FRAMES = FrameSpec(22_050, 256)
N_FFT = 1024
CONFIG = FeatureConfig(encoder="mel")


def write_long(path: Path, duration_s: float, sample_rate: int) -> Path:
    """Bursts of speech, the same ten seconds again and again."""
    spoken = speech_like(10.0, sample_rate, seed=4)
    with AudioWriter(path, sample_rate, 1) as writer:
        for _ in range(int(duration_s // 10)):
            writer.write(spoken)
        rest = round((duration_s % 10) * sample_rate)
        if rest:
            writer.write(spoken.cut(0, rest))
    return path


@pytest.mark.parametrize("duration_s", [3.0, 20.0, 23.4, 24.999, 25.0, 47.3])
def test_passages_cover_everything_once(tmp_path: Path, duration_s: float) -> None:
    path = write_long(tmp_path / "long.wav", duration_s, 8000)
    whole = read(path).samples[0]
    length, margin = 20 * 8000, 5 * 8000
    place = 0
    for passage in passages(path, 8000, length, margin):
        assert passage.start == place
        place = passage.end
        assert passage.n_before == min(margin, passage.start)
        heard = whole[passage.start - passage.n_before : passage.end + margin]
        if passage.is_last:
            assert passage.end - passage.start < length + margin
        else:
            assert passage.end - passage.start == length
        assert np.array_equal(passage.sound.samples[0], heard)
    assert place == len(whole)


def test_volume_and_spectrogram_are_those_of_one_pass(tmp_path: Path) -> None:
    path = write_long(tmp_path / "long.wav", 63.21, FRAMES.sample_rate)
    extractor = FeatureExtractor(CONFIG, FRAMES, "cpu")
    clip, whole = LongClip(extractor, path), read(path)
    np.testing.assert_allclose(clip.volume(), extractor.volume(whole).numpy(), rtol=1e-5)
    expected = extractor.spectrogram(whole, N_FFT)
    spectrogram = clip.spectrogram(N_FFT)
    assert spectrogram.shape == tuple(expected.shape)
    joined = torch.cat(list(spectrogram.blocks), dim=1)
    assert torch.allclose(joined, expected, rtol=1e-4, atol=1e-4)


def test_pitch_is_nearly_that_of_one_pass(tmp_path: Path) -> None:
    path = write_long(tmp_path / "long.wav", 131.0, SPEECH_RATE)
    extractor = FeatureExtractor(CONFIG, FRAMES, "cpu")
    hz, voiced = LongClip(extractor, path).f0()
    expected = extractor.f0(read(path))
    assert hz.shape == expected.hz.shape
    both = voiced.astype(bool) & expected.voiced
    assert (voiced.astype(bool) == expected.voiced).mean() > 0.97
    cents = 1200 * np.abs(np.log2(hz[both] / expected.hz[both]))
    assert both.mean() > 0.2
    assert np.percentile(cents, 99) < 20


def test_content_is_nearly_that_of_one_pass(tmp_path: Path) -> None:
    path = write_long(tmp_path / "long.wav", 131.0, SPEECH_RATE)
    extractor = FeatureExtractor(CONFIG, FRAMES, "cpu")
    content = LongClip(extractor, path).content()
    assert isinstance(content, ColumnBlocks)
    joined = torch.cat(list(content.blocks), dim=1)
    expected = extractor.content(read(path))
    assert joined.shape == content.shape == expected.shape
    # The bands are normalised over a passage instead of the whole.
    assert (joined - expected).square().mean().sqrt() < 0.05 * expected.std()


def test_a_long_clip_is_kept_as_any_other(make_experiment: MakeExperiment, tmp_path: Path) -> None:
    experiment = make_experiment("long", duration_s=70.0)
    weights = write_whisper_folder(tmp_path / "whisper")
    config = FeatureConfig(encoder="whisper-ppg", encoder_weights=str(weights))
    report = extract_features(experiment, config, FRAMES, N_FFT)
    assert report.failures == ()
    (clip,) = read_manifest(experiment.manifest)
    features = FeatureStore(experiment).load(clip, FeatureAligner(FRAMES))
    assert features.n_frames == FRAMES.n_frames_of(read(experiment.root / clip.path))
    assert features.spectrogram is not None
    assert features.content.isfinite().all()
    assert extract_features(experiment, config, FRAMES, N_FFT).n_kept == 1


def test_blocks_make_the_file_of_the_whole(tmp_path: Path) -> None:
    values = torch.randn(5, 1000)
    values[2, 500] = 1e9  # beyond half precision
    path = tmp_path / "blocks.pt"
    write_column_blocks(path, ColumnBlocks((5, 1000), values.split(130, dim=1)), "it")
    read_back = torch.load(path, weights_only=True)
    assert torch.equal(read_back, values.clamp(-65504, 65504).half())


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([torch.zeros(2, 3)], "it has 3 columns instead of 4"),
        ([torch.zeros(2, 5)], "other columns than the 4 announced"),
        ([torch.zeros(3, 4)], "other columns than the 4 announced"),
        ([torch.full((2, 4), torch.nan)], "not finite"),
    ],
)
def test_blocks_must_be_what_was_announced(
    tmp_path: Path, blocks: list[torch.Tensor], problem: str
) -> None:
    with pytest.raises(FeatureError, match=problem):
        write_column_blocks(tmp_path / "blocks.pt", ColumnBlocks((2, 4), blocks), "it")


PEAK_PROGRAM = """
import json, sys, threading, time
from pathlib import Path
import psutil, torch
torch.set_num_threads(1)
from ezrvc_features.config import FeatureConfig
from ezrvc_features.extraction import FeatureExtractor
from ezrvc_features.extraction.long_clips import LongClip
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store.column_blocks import write_column_blocks

peak, process = 0, psutil.Process()
def watch():
    global peak
    while True:
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.005)

extractor = FeatureExtractor(FeatureConfig(encoder="mel"), FrameSpec(8000, 160), "cpu")
peaks = []
for path in sys.argv[1:]:
    if len(peaks) == 1:
        threading.Thread(target=watch, daemon=True).start()
    peak = 0
    clip = LongClip(extractor, Path(path))
    out = Path(path).with_suffix(".out")
    write_column_blocks(out, clip.spectrogram(1024), "it")
    write_column_blocks(out, clip.content(), "it")
    clip.volume()
    peaks.append(peak)
print(json.dumps(peaks[1:]))
"""


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Five minutes and fifteen; pitch takes the same passages and is left out for its time."""
    minutes = (3, 5, 15)  # the first warms up what is kept for good
    files = [
        write_long(tmp_path / f"{number}.wav", 60.0 * length, 8000)
        for number, length in enumerate(minutes)
    ]
    finished = subprocess.run(
        [sys.executable, "-c", PEAK_PROGRAM, *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"},  # freed is given back at once
    )
    five, fifteen = json.loads(finished.stdout)
    # Held whole, ten minutes more are 19 MB of samples and 61 MB of spectrogram at the least.
    assert fifteen - five < 12e6, (five, fifteen)
