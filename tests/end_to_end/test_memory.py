"""One very long recording: what `ezrvc preprocess` holds in memory at once, on disk and off it."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from ezrvc_audio.reading import read
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import AudioWriter
from ezrvc_cli.demo.samples import unpack_samples
from ezrvc_features.testing.checkpoints import write_hubert_soft

SAMPLE_RATE = 16_000
BOUND = 2 * 2**30
AS_ONE_CLIP = (
    "--set", "audio.slicer.max_clip_s=20000",
    "--set", "audio.slicer.min_clip_s=3000",
    "--set", "audio.slicer.max_silence_kept_ms=60000",
)  # fmt: skip


def write_recording(path: Path, hours: float, samples: Path) -> None:
    """The packaged voice, again and again, with pauses of 0.6 s."""
    pause = np.zeros((1, SAMPLE_RATE * 6 // 10), np.float32)
    voice = unpack_samples(samples).target
    said = [
        read(file, sample_rate=SAMPLE_RATE, mono=True).samples for file in sorted(voice.iterdir())
    ]
    pieces = [piece for each in said for piece in (each, pause)]
    spoken = Waveform(np.concatenate(pieces, axis=1), SAMPLE_RATE)
    n_left = round(hours * 3600 * SAMPLE_RATE)
    with AudioWriter(path, SAMPLE_RATE, 1) as writer:
        while n_left > 0:
            writer.write(spoken.cut(0, n_left))
            n_left -= spoken.n_samples


def peak_of(command: list[str]) -> int:
    """Run a command; the most memory that it and its children held together, bytes."""
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        process = psutil.Process(running.pid)
        while running.poll() is None:
            held = 0
            for each in (process, *process.children(recursive=True)):
                try:
                    held += each.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak = max(peak, held)
            time.sleep(0.1)
        assert running.stderr is not None
        assert running.returncode == 0, running.stderr.read().decode()
    return peak


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("hours", "encoder", "slicing"),
    [(3.0, "mel", ()), (1.0, "hubert-soft", AS_ONE_CLIP)],
    ids=["three hours in clips", "an hour as one clip"],
)
def test_a_long_recording_stays_within_two_gibibytes(
    home: Path, tmp_path: Path, hours: float, encoder: str, slicing: tuple[str, ...]
) -> None:
    write_recording(home / "data" / "raw" / "ada" / "long.wav", hours, tmp_path / "samples")
    weights = ()
    if encoder != "mel":
        weights = (
            "--set", f"features.encoder_weights={write_hubert_soft(tmp_path / 'soft.pt')}",
        )  # fmt: skip
    command = [sys.executable, "-c", "from ezrvc_cli.main import main; main()"]
    arguments = ["preprocess", "--speaker", "ada", "--rate", "24000", "--encoder", encoder]
    peak = peak_of([*command, *arguments, *weights, *slicing])
    experiment = home / "data" / "processed" / "ada"
    n_clips = len((experiment / "manifest.jsonl").read_text("utf-8").splitlines())
    assert (n_clips == 1) == bool(slicing)
    assert len(list(experiment.rglob("*.meta.json"))) == n_clips
    assert peak < BOUND, f"{peak / 2**20:.0f} MiB"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_minutes_convert_within_a_gibibyte_and_a_half(home: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    write_recording(long, 1 / 6, tmp_path / "samples")
    command = [sys.executable, "-c", "from ezrvc_cli.main import main; main()"]
    peak = peak_of([*command, "convert", str(long), "-o", str(home / "out.wav")])
    assert peak < 1.5 * 2**30, f"{peak / 2**20:.0f} MiB"
