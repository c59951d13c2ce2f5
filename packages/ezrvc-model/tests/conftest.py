"""A prepared experiment of a few seconds, made without any extractor; the same numbers anywhere."""

import hashlib
import json
import resource
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip, write_manifest
from ezrvc_audio.testing import harmonic_tone
from ezrvc_audio.writing import write
from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_features.store import Artefact, FeatureStore, Recipe
from ezrvc_features.volume import frame_volume
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.testing import small_config
from ezrvc_model.vocoders import blockwise

MakeExperiment = Callable[..., ExperimentFolder]
CONTENT_RATE_HZ = 50.0


@pytest.fixture(autouse=True)
def single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps convolutions in fp32 on processors that would run them in bfloat16.

    There a difference in the last bit may become one of 1e-4, and no equality could be tested.
    """
    monkeypatch.setattr(blockwise, "convolution_dtype", lambda device: torch.float32)


@pytest.fixture
def file_limit() -> Iterator[Callable[[int], None]]:
    """Sets how many bytes a file may have, which a write meets like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda n_bytes: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def make_experiment(tmp_path: Path) -> MakeExperiment:
    """Prepares an experiment of tones: clip n of a speaker is n * 0.1 + 0.5 s long."""

    def make(
        name: str = "ada",
        speakers: tuple[str, ...] = ("ada",),
        *,
        n_clips: int = 4,
        n_held_out: int = 1,
        model: SynthesizerConfig | None = None,
        cache_spectrogram: bool = False,
    ) -> ExperimentFolder:
        model = model or small_config()
        experiment = ExperimentFolder(tmp_path / "data" / "processed" / name)
        clips = [
            _make_clip(experiment, model, speaker, number, cache_spectrogram)
            for speaker in speakers
            for number in range(n_clips + n_held_out)
        ]
        write_manifest(experiment.manifest, clips)
        train = [clip.path for clip in clips if int(Path(clip.path).stem) < n_clips]
        held_out = [clip.path for clip in clips if clip.path not in train]
        experiment.train_list.parent.mkdir(parents=True)
        experiment.train_list.write_text("\n".join(train) + "\n", encoding="utf-8")
        experiment.validation_list.write_text("\n".join(held_out) + "\n", encoding="utf-8")
        rows = {speaker: row for row, speaker in enumerate(speakers)}
        experiment.speaker_map.write_text(json.dumps(rows), encoding="utf-8")
        return experiment

    return make


def _make_clip(
    experiment: ExperimentFolder,
    model: SynthesizerConfig,
    speaker: str,
    number: int,
    cache_spectrogram: bool,
) -> Clip:
    path = f"audio/{speaker}/{number:03d}.wav"
    f0_hz = 110.0 * (1 + number % 3)
    waveform = harmonic_tone(f0_hz, 0.5 + 0.1 * number, model.sample_rate)
    (experiment.root / path).parent.mkdir(parents=True, exist_ok=True)
    write(experiment.root / path, waveform)
    sha256 = hashlib.sha256((experiment.root / path).read_bytes()).hexdigest()
    clip = Clip(
        path=path,
        speaker=speaker,
        source="take.wav",
        start_s=0.0,
        end_s=waveform.duration_s,
        sha256=sha256,
    )
    samples = torch.from_numpy(waveform.samples)
    n_frames = model.frames.n_frames_of(waveform)
    n_content = round(waveform.duration_s * CONTENT_RATE_HZ)
    generator = torch.Generator().manual_seed(number)
    grid = {"sample_rate": model.sample_rate, "hop_length": model.hop_length}
    plan = {
        Artefact.CONTENT: _recipe({"frame_rate_hz": CONTENT_RATE_HZ}),
        Artefact.F0: _recipe(grid),
        Artefact.VOLUME: _recipe(grid),
        Artefact.SPECTROGRAM: _recipe({**grid, "n_fft": model.n_fft}),
    }
    made = {
        Artefact.CONTENT: torch.randn(model.content_dim, n_content, generator=generator),
        Artefact.F0: torch.stack([torch.full((n_frames,), f0_hz), torch.ones(n_frames)]).numpy(),
        Artefact.VOLUME: frame_volume(samples, model.hop_length)[0].numpy(),
    }
    if cache_spectrogram:
        made[Artefact.SPECTROGRAM] = linear_spectrogram(samples, model.n_fft, model.hop_length)[0]
    FeatureStore(experiment).save(clip, made, plan)
    return clip


def _recipe(settings: Mapping[str, int | float]) -> Recipe:
    return Recipe(extractor="made-up", version="1", settings=dict(settings))
