"""Batches of clips with real encoders, estimators and files."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest, write_manifest
from ezrvc_audio.reading import read
from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_device.errors import DeviceError
from ezrvc_device.progress import Progress
from ezrvc_device.weights import WeightSpec
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.config import F0Config, FeatureConfig
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.registry import load_encoder
from ezrvc_features.errors import FeatureError
from ezrvc_features.extraction import FeatureExtractor, extract_features
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store import FeatureStore
from ezrvc_features.testing.checkpoints import write_contentvec_folder, write_hubert_soft

MakeExperiment = Callable[..., ExperimentFolder]

CONFIG = FeatureConfig(encoder="mel", f0=F0Config(method="dio"))
FRAMES = FrameSpec(16_000, 200)
N_FFT = 512
ENDINGS = {
    "content": ".soft.pt",
    "f0": ".f0.npy",
    "volume": ".vol.npy",
    "spectrogram": ".spec.pt",
}


def times(experiment: ExperimentFolder) -> dict[str, dict[Path, int]]:
    return {
        kind: {path: path.stat().st_mtime_ns for path in experiment.features.rglob(f"*{ending}")}
        for kind, ending in ENDINGS.items()
    }


def values(experiment: ExperimentFolder) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path in sorted(experiment.features.rglob("*")):
        if path.suffix == ".npy":
            found[path.name] = np.load(path)
        elif path.suffix == ".pt":
            found[path.name] = torch.load(path, weights_only=True).numpy()
    return found


def test_every_clip_has_every_feature(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a", "it's 日本語 🎵")
    told: list[tuple[str, float, float | None]] = []

    def progress(step: str, completed: float, total: float | None = None) -> None:
        told.append((step, completed, total))

    report = extract_features(experiment, CONFIG, FRAMES, N_FFT, progress=progress)
    assert (report.n_clips, report.n_made, report.n_kept, report.failures) == (2, 2, 0, ())
    assert told == [("features", 0, 2), ("features", 1, 2), ("features", 2, 2)]
    aligner = FeatureAligner(FRAMES)
    extractor = FeatureExtractor(CONFIG, FRAMES)
    for clip in read_manifest(experiment.manifest):
        waveform = read(experiment.root / clip.path)
        features = FeatureStore(experiment).load(clip, aligner)
        assert features.content.shape == (80, FRAMES.n_frames_of(waveform))
        torch.testing.assert_close(features.volume, extractor.volume(waveform))
        assert features.spectrogram is not None
        expected = extractor.spectrogram(waveform, N_FFT)
        torch.testing.assert_close(features.spectrogram, expected, rtol=1e-3, atol=1e-3)
        assert features.voiced.bool().tolist() == extractor.f0(waveform).voiced.tolist()


def test_a_second_run_touches_nothing(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a", "b")
    extract_features(experiment, CONFIG, FRAMES, N_FFT)
    before = {path: path.stat().st_mtime_ns for path in experiment.features.rglob("*")}
    report = extract_features(experiment, CONFIG, FRAMES, N_FFT)
    assert (report.n_made, report.n_kept) == (0, 2)
    assert {path: path.stat().st_mtime_ns for path in experiment.features.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "remade"),
    [
        ("encoder", {"content"}),
        ("f0 method", {"f0"}),
        ("f0 range", {"f0"}),
        ("n_fft", {"spectrogram"}),
        ("hop", {"f0", "volume", "spectrogram"}),
        ("rate", {"f0", "volume", "spectrogram"}),
        ("clip", {"content", "f0", "volume", "spectrogram"}),
    ],
)
def test_a_change_remakes_exactly_what_depends_on_it(
    make_experiment: MakeExperiment, tmp_path: Path, change: str, remade: set[str]
) -> None:
    experiment = make_experiment("a", "b")
    extract_features(experiment, CONFIG, FRAMES, N_FFT)
    before, old = times(experiment), values(experiment)
    config, frames, n_fft = CONFIG, FRAMES, N_FFT
    match change:
        case "encoder":
            weights = write_hubert_soft(tmp_path / "soft.pt")
            config = CONFIG.model_copy(
                update={"encoder": "hubert-soft", "encoder_weights": str(weights)}
            )
        case "f0 method":
            config = CONFIG.model_copy(update={"f0": F0Config(method="harvest")})
        case "f0 range":
            config = CONFIG.model_copy(update={"f0": F0Config(method="dio", max_hz=115.0)})
        case "n_fft":
            n_fft = 1024
        case "hop":
            frames = FrameSpec(16_000, 320)
        case "rate":
            frames = FrameSpec(24_000, 200)
        case _:
            clips = read_manifest(experiment.manifest)
            for number, clip in enumerate(clips):
                path = experiment.root / clip.path
                write(path, speech_like(0.6, 16_000, seed=50 + number))
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                clips[number] = clip.model_copy(update={"sha256": digest})
            write_manifest(experiment.manifest, clips)
    report = extract_features(experiment, config, frames, n_fft)
    assert (report.n_made, report.failures) == (2, ())
    after, new = times(experiment), values(experiment)
    for kind, files in before.items():
        for path, time_ns in files.items():
            assert (after[kind][path] != time_ns) == (kind in remade), path
            same = np.array_equal(old[path.name], new[path.name])
            assert same == (kind not in remade), path


def test_other_weights_of_the_same_encoder_remake_content(
    make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment = make_experiment("a")
    changed: list[set[str]] = []
    before = times(experiment)
    for seed in (1, 1, 2):
        weights = write_contentvec_folder(tmp_path / f"weights {len(changed)}", seed)
        config = CONFIG.model_copy(
            update={"encoder": "contentvec768l12", "encoder_weights": str(weights)}
        )
        extract_features(experiment, config, FRAMES, N_FFT)
        after = times(experiment)
        changed.append({kind for kind in ENDINGS if after[kind] != before[kind]})
        before = after
    assert changed == [set(ENDINGS), set(), {"content"}]  # a copy elsewhere is the same weights


def test_only_the_damaged_file_is_remade(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a", "b")
    extract_features(experiment, CONFIG, FRAMES, N_FFT)
    whole = values(experiment)
    broken = experiment.features / "ada" / "a.spec.pt"
    broken.write_bytes(broken.read_bytes()[:-100])
    before = times(experiment)
    report = extract_features(experiment, CONFIG, FRAMES, N_FFT)
    assert (report.n_made, report.n_kept) == (1, 1)
    after = times(experiment)
    assert after["spectrogram"].pop(broken) != before["spectrogram"].pop(broken)
    assert after == before
    assert all(np.array_equal(whole[name], kept) for name, kept in values(experiment).items())


def test_spectrograms_that_are_not_wanted_are_not_there(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a")
    extract_features(experiment, CONFIG, FRAMES, N_FFT)
    config = CONFIG.model_copy(update={"cache_spectrogram": False})
    report = extract_features(experiment, config, FRAMES, N_FFT)
    assert report.n_kept == 1
    assert not list(experiment.features.rglob("*.spec.pt"))


def test_bad_clips_are_reported_and_the_rest_is_done(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a", "broken", "c", "gone", "short", "e")
    folder = experiment.audio / "ada"
    (folder / "broken.wav").write_bytes(b"RIFF" + bytes(40))
    (folder / "gone.wav").unlink()
    write(folder / "short.wav", Waveform(np.full((1, 100), 0.1, np.float32), 16_000))
    report = extract_features(experiment, CONFIG, FRAMES, N_FFT)
    assert [Path(path).stem for path, _ in report.failures] == ["broken", "gone", "short"]
    assert all("\n" not in reason for _, reason in report.failures)
    assert "lasts 6.2 ms" in report.failures[2][1]
    assert (report.n_clips, report.n_made) == (6, 3)
    assert {path.name for path in experiment.features.rglob("*.meta.json")} == {
        "a.meta.json", "c.meta.json", "e.meta.json",
    }  # fmt: skip
    again = extract_features(experiment, CONFIG, FRAMES, N_FFT)
    assert (again.n_made, again.n_kept, len(again.failures)) == (0, 3, 3)


def test_nothing_done_is_an_error(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a", "b")
    for path in experiment.audio.rglob("*.wav"):
        path.write_bytes(b"no sound")
    with pytest.raises(FeatureError, match=r"no clip could be done, 2 failed; the first, audio/"):
        extract_features(experiment, CONFIG, FRAMES, N_FFT)


def test_no_clips_is_an_error(make_experiment: MakeExperiment) -> None:
    with pytest.raises(FeatureError, match=r"manifest\.jsonl: lists no clips; run preprocess"):
        extract_features(make_experiment(), CONFIG, FRAMES, N_FFT)


def test_what_cannot_be_had_is_said_before_any_clip(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a")
    with pytest.raises(FeatureError, match="did you mean 'hubert-soft'"):
        extract_features(experiment, FeatureConfig(encoder="hubertsoft"), FRAMES, N_FFT)
    with pytest.raises(FeatureError, match="'dioo'"):
        extract_features(experiment, FeatureConfig(f0=F0Config(method="dioo")), FRAMES, N_FFT)
    with pytest.raises(FeatureError, match="the weights of contentvec768l12"):
        extract_features(experiment, FeatureConfig(encoder="contentvec768l12"), FRAMES, N_FFT)
    with pytest.raises(DeviceError, match="cuda:7"):
        extract_features(experiment, CONFIG, FRAMES, N_FFT, device="cuda:7")
    with pytest.raises(DeviceError, match="workers = 0"):
        extract_features(experiment, CONFIG, FRAMES, N_FFT, workers=0)
    assert not list(experiment.features.rglob("*.*"))


def test_downloads_are_reported_before_the_clips(
    make_experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = write_hubert_soft(tmp_path / "soft.pt")
    told: list[str] = []

    def fetched(spec: WeightSpec, progress: Progress) -> Path:
        progress(f"fetch {spec.name}", 1, 2)
        return weights

    def note(step: str, completed: float, total: float | None = None) -> None:
        told.append(f"{step} {completed:g}/{total:g}")

    monkeypatch.setattr("ezrvc_features.content.registry.fetch", fetched)
    config = FeatureConfig(encoder="hubert-soft", f0=F0Config(method="dio"))
    extract_features(make_experiment("a"), config, FRAMES, N_FFT, progress=note)
    assert told[0] == "fetch hubert-soft 1/2"
    assert told[-2:] == ["features 0/1", "features 1/1"]


def test_features_of_clips_that_are_gone_are_removed(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a", "b", "c")
    extract_features(experiment, CONFIG, FRAMES, N_FFT)
    write_manifest(experiment.manifest, read_manifest(experiment.manifest)[1:2])
    report = extract_features(experiment, CONFIG, FRAMES, N_FFT)
    assert (report.n_clips, report.n_kept, report.n_removed) == (1, 1, 2)
    left = {path.name.split(".")[0] for path in experiment.features.rglob("*.*")}
    assert left == {"b"}


def test_clips_of_another_rate_land_on_the_grid(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment("a", sample_rate=44_100, duration_s=0.5)
    extract_features(experiment, CONFIG, FRAMES, N_FFT)
    (clip,) = read_manifest(experiment.manifest)
    features = FeatureStore(experiment).load(clip, FeatureAligner(FRAMES))
    assert features.n_frames == 40  # half a second of 200 samples at 16 kHz
    assert features.spectrogram is not None
    assert features.spectrogram.shape == (257, 40)


def test_models_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def counting(name: str, **settings: Any) -> ContentEncoder:
        loaded.append(name)
        return load_encoder(name, **settings)

    monkeypatch.setattr("ezrvc_features.extraction.extractor.load_encoder", counting)
    extractor = FeatureExtractor(CONFIG, FRAMES)
    spoken = speech_like(0.3, 16_000)
    assert extractor.f0(spoken).hz.shape == (24,)
    assert extractor.volume(spoken).shape == (24,)
    assert loaded == []
    assert torch.equal(extractor.content(spoken), extractor.content(spoken))
    assert loaded == ["mel"]


def test_sound_below_one_frame_is_refused() -> None:
    short = Waveform(np.zeros((1, 100), np.float32), 16_000)
    with pytest.raises(FeatureError, match=r"lasts 6\.2 ms, less than one frame of 12\.5 ms"):
        FeatureExtractor(CONFIG, FRAMES).volume(short)
