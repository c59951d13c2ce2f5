"""How an accelerator takes clips: by length, several at once; here on the CPU."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip, read_manifest
from ezrvc_features.config import FeatureConfig
from ezrvc_features.extraction import FeatureExtractor, extract_features
from ezrvc_features.extraction.clip_extraction import ClipExtraction, ClipJob
from ezrvc_features.extraction.length_batches import batches_by_length, run_in_length_batches
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store import Artefact
from ezrvc_features.testing.checkpoints import write_contentvec_folder

MakeExperiment = Callable[..., ExperimentFolder]

FRAMES = FrameSpec(16_000, 200)
N_FFT = 512


def job(number: int, duration_s: float) -> ClipJob:
    clip = Clip(
        path=f"audio/ada/{number}.wav", speaker="ada", source="take.wav",
        start_s=1.0, end_s=1.0 + duration_s, sha256="0" * 64,
    )  # fmt: skip
    return ClipJob(clip, (Artefact.CONTENT,), number)


def test_batches_hold_clips_of_near_equal_length() -> None:
    jobs = [job(number, duration_s) for number, duration_s in enumerate([3, 10, 3, 50, 9, 4, 3])]
    batches = batches_by_length(jobs, batch_s=20.0)
    assert [[each.number for each in batch] for batch in batches] == [[3], [1, 4], [5, 0, 2, 6]]
    assert batches_by_length([], batch_s=20.0) == []


@pytest.fixture
def config(tmp_path: Path) -> FeatureConfig:
    weights = write_contentvec_folder(tmp_path / "contentvec")
    return FeatureConfig(encoder="contentvec768l12", encoder_weights=str(weights))


def test_batches_make_what_clips_alone_make(
    make_experiment: MakeExperiment, config: FeatureConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ezrvc_features.extraction.clip_extraction.LONG_CLIP_S", 1.5)
    experiment = make_experiment("a", "b", "broken", "gone", duration_s=0.9)
    clips = list(read_manifest(experiment.manifest))
    for name, duration_s in (("short", 0.43), ("middle", 0.61), ("long", 2.0)):
        made = make_experiment(name, duration_s=duration_s)
        clips += read_manifest(made.manifest)
    (experiment.audio / "ada" / "broken.wav").write_bytes(b"no sound")
    (experiment.audio / "ada" / "gone.wav").unlink()
    plan = FeatureExtractor(config, FRAMES, "cpu").plan(N_FFT)
    extraction = ClipExtraction(experiment, config, FRAMES, N_FFT, plan, "cpu")
    jobs = [ClipJob(clip, tuple(plan), number) for number, clip in enumerate(clips)]

    outcomes = {each.clip.path: why for each, why in run_in_length_batches(extraction, jobs, 2)}
    assert len(outcomes) == len(jobs)
    failed = {path for path, reason in outcomes.items() if reason is not None}
    assert failed == {"audio/ada/broken.wav", "audio/ada/gone.wav"}
    batched = {path.name: path.read_bytes() for path in experiment.features.rglob("*.*")}
    contents = read_contents(experiment)
    assert len(contents) == 5

    for path in experiment.features.rglob("*.*"):
        path.unlink()
    assert all(
        (extraction.run(each) is None) == (outcomes[each.clip.path] is None) for each in jobs
    )
    for name, expected in read_contents(experiment).items():
        assert contents[name].shape == expected.shape
        assert torch.allclose(contents[name], expected, atol=2e-3), name  # one step of half at 2
    for path in experiment.features.rglob("*.*"):
        if not path.name.endswith(".soft.pt"):
            assert batched[path.name] == path.read_bytes(), path.name


def test_one_clip_that_upsets_a_batch_harms_no_other(
    make_experiment: MakeExperiment, config: FeatureConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object) -> list[torch.Tensor]:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("ezrvc_features.extraction.length_batches.encode_batch", out_of_memory)
    experiment = make_experiment("a", "b")
    plan = FeatureExtractor(config, FRAMES, "cpu").plan(N_FFT)
    extraction = ClipExtraction(experiment, config, FRAMES, N_FFT, plan, "cpu")
    clips = read_manifest(experiment.manifest)
    jobs = [ClipJob(clip, tuple(plan), number) for number, clip in enumerate(clips)]
    assert [reason for _, reason in run_in_length_batches(extraction, jobs, 2)] == [None, None]
    assert extract_features(experiment, config, FRAMES, N_FFT).n_kept == 2


def read_contents(experiment: ExperimentFolder) -> dict[str, torch.Tensor]:
    return {
        path.name: torch.load(path, weights_only=True).float()
        for path in experiment.features.rglob("*.soft.pt")
    }
