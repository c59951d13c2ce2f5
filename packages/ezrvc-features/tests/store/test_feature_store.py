import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip
from ezrvc_device.atomic import temporary_path
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.errors import FeatureError
from ezrvc_features.frames import FrameSpec
from ezrvc_features.store import Artefact, FeaturePlan, FeatureStore, Recipe

FRAMES = FrameSpec(16_000, 160)
GRID: dict[str, int | float | str | None] = {"sample_rate": 16_000, "hop_length": 160}
PLAN: FeaturePlan = {
    Artefact.CONTENT: Recipe(extractor="mel", version="1", settings={"frame_rate_hz": 50.0}),
    Artefact.F0: Recipe(extractor="dio", version="1", settings={**GRID, "min_hz": 50.0}),
    Artefact.VOLUME: Recipe(extractor="rms", version="1", settings=GRID),
    Artefact.SPECTROGRAM: Recipe(extractor="linear", version="1", settings={**GRID, "n_fft": 8}),
}
MADE = {
    Artefact.CONTENT: torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.25]]),  # 3 frames of 20 ms
    Artefact.F0: np.array([[0, 100, 110, 0, 120, 130], [0, 1, 1, 0, 1, 1]], np.float32),
    Artefact.VOLUME: torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
    Artefact.SPECTROGRAM: torch.full((5, 6), 0.5),
}


def clip(name: str = "one", sha256: str = "ab" * 32) -> Clip:
    path = f"audio/ada/{name}.wav"
    return Clip(path=path, speaker="ada", source="s.wav", start_s=0, end_s=0.06, sha256=sha256)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(ExperimentFolder(tmp_path / "ada"))


def test_what_is_saved_is_loaded(store: FeatureStore) -> None:
    store.save(clip(), MADE, PLAN)
    features = store.load(clip(), FeatureAligner(FRAMES, unvoiced="zero"))
    assert features.content.tolist() == [[1, 1, 2, 2, 3, 3], [-1, -1, 0.5, 0.5, 0.25, 0.25]]
    assert features.f0.tolist() == [0, 100, 110, 0, 120, 130]
    assert features.voiced.tolist() == [0, 1, 1, 0, 1, 1]
    torch.testing.assert_close(features.volume, MADE[Artefact.VOLUME])
    assert features.spectrogram is not None
    assert features.spectrogram.dtype == torch.float32
    assert features.spectrogram.shape == (5, 6)


def test_the_files_are_those_of_the_contract(store: FeatureStore, tmp_path: Path) -> None:
    store.save(clip("take.1 é"), MADE, PLAN)
    stem = tmp_path / "ada" / "features" / "ada"
    content = torch.load(stem / "take.1 é.soft.pt", weights_only=True)
    assert (content.dtype, content.shape) == (torch.float16, (2, 3))
    f0 = np.load(stem / "take.1 é.f0.npy", allow_pickle=False)
    assert (f0.dtype, f0.shape) == (np.float32, (2, 6))
    volume = np.load(stem / "take.1 é.vol.npy", allow_pickle=False)
    assert (volume.dtype, volume.shape) == (np.float32, (6,))
    spectrogram = torch.load(stem / "take.1 é.spec.pt", weights_only=True)
    assert (spectrogram.dtype, spectrogram.shape) == (torch.float16, (5, 6))
    record = json.loads((stem / "take.1 é.meta.json").read_text("utf-8"))
    assert record["sha256"] == "ab" * 32
    assert record["artefacts"]["f0"]["recipe"]["extractor"] == "dio"
    assert record["artefacts"]["f0"]["shape"] == [2, 6]
    assert sorted(path.name for path in stem.iterdir()) == sorted(
        f"take.1 é{ending}"
        for ending in (".soft.pt", ".f0.npy", ".vol.npy", ".spec.pt", ".meta.json")
    )


def test_spectrograms_beyond_half_precision_are_clamped(store: FeatureStore) -> None:
    store.save(clip(), {**MADE, Artefact.SPECTROGRAM: torch.full((5, 6), 1e6)}, PLAN)
    features = store.load(clip(), FeatureAligner(FRAMES))
    assert features.spectrogram is not None
    assert features.spectrogram.eq(65504).all()


def test_content_kept_is_only_its_own_values(store: FeatureStore) -> None:
    """A slice of a large tensor must not drag the large tensor onto the disk."""
    store.save(clip(), {Artefact.CONTENT: torch.zeros(2, 100_000)[:, :3]}, PLAN)
    assert store.path(clip(), Artefact.CONTENT).stat().st_size < 5000


def test_nothing_saved_is_all_stale(store: FeatureStore) -> None:
    assert store.stale(clip(), PLAN) == tuple(PLAN)
    store.save(clip(), MADE, PLAN)
    assert store.stale(clip(), PLAN) == ()


@pytest.mark.parametrize("artefact", list(Artefact))
def test_another_recipe_makes_that_file_stale_and_no_other(
    store: FeatureStore, artefact: Artefact
) -> None:
    store.save(clip(), MADE, PLAN)
    for change in ({"version": "2"}, {"extractor": "other"}, {"settings": {"hop_length": 320}}):
        changed = {**PLAN, artefact: PLAN[artefact].model_copy(update=change)}
        assert store.stale(clip(), changed) == (artefact,)


@pytest.mark.parametrize("artefact", list(Artefact))
def test_a_file_gone_or_cut_off_is_stale(store: FeatureStore, artefact: Artefact) -> None:
    store.save(clip(), MADE, PLAN)
    path = store.path(clip(), artefact)
    path.write_bytes(path.read_bytes()[:-1])
    assert store.stale(clip(), PLAN) == (artefact,)
    path.unlink()
    assert store.stale(clip(), PLAN) == (artefact,)


def test_another_sound_makes_everything_stale(store: FeatureStore) -> None:
    store.save(clip(), MADE, PLAN)
    assert store.stale(clip(sha256="cd" * 32), PLAN) == tuple(PLAN)


@pytest.mark.parametrize("text", ["", "{", '{"sha256": 3}', "[]", "\0"])
def test_a_damaged_record_counts_for_nothing(store: FeatureStore, text: str) -> None:
    store.save(clip(), MADE, PLAN)
    store.path(clip(), Artefact.CONTENT).with_name("one.meta.json").write_text(text, "utf-8")
    assert store.stale(clip(), PLAN) == tuple(PLAN)


def test_saving_one_file_leaves_the_others(store: FeatureStore) -> None:
    store.save(clip(), MADE, PLAN)
    kept = {kind: store.path(clip(), kind).stat().st_mtime_ns for kind in Artefact}
    changed = {**PLAN, Artefact.F0: PLAN[Artefact.F0].model_copy(update={"version": "2"})}
    store.save(clip(), {Artefact.F0: MADE[Artefact.F0]}, changed)
    assert store.stale(clip(), changed) == ()
    touched = {k for k in Artefact if store.path(clip(), k).stat().st_mtime_ns != kept[k]}
    assert touched == {Artefact.F0}


def test_a_write_that_fails_leaves_the_record_without_it(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between a file and its record: neither the old nor the new recipe is believed."""
    store.save(clip(), MADE, PLAN)
    changed = {**PLAN, Artefact.VOLUME: PLAN[Artefact.VOLUME].model_copy(update={"version": "2"})}

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        store.save(clip(), {Artefact.VOLUME: MADE[Artefact.VOLUME]}, changed)
    assert store.stale(clip(), PLAN) == (Artefact.VOLUME,)
    assert store.stale(clip(), changed) == (Artefact.VOLUME,)


@pytest.mark.parametrize("artefact", [Artefact.CONTENT, Artefact.F0, Artefact.VOLUME])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "other"])
def test_damage_is_named_with_the_clip_and_what_to_run(
    store: FeatureStore, artefact: Artefact, damage: str
) -> None:
    store.save(clip(), MADE, PLAN)
    path = store.path(clip(), artefact)
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(
            {"empty": b"", "cut": whole[: len(whole) // 2], "other": b"x" * 500}[damage]
        )
    with pytest.raises(FeatureError, match=r"^audio/ada/one\.wav: .*damaged; run preprocess again"):
        store.load(clip(), FeatureAligner(FRAMES))


def test_a_file_of_another_shape_is_named(store: FeatureStore) -> None:
    store.save(clip(), MADE, PLAN)
    np.save(store.path(clip(), Artefact.VOLUME), np.zeros(4, np.float32))
    with pytest.raises(FeatureError, match=r"one\.vol\.npy holds \(4,\) values instead of \(6,\)"):
        store.load(clip(), FeatureAligner(FRAMES))


def test_features_that_were_never_made_are_named(store: FeatureStore) -> None:
    with pytest.raises(FeatureError, match=r"audio/ada/one\.wav: its f0 is not there; run prep"):
        store.load(clip(), FeatureAligner(FRAMES))


def test_features_of_another_grid_are_never_mixed_in(store: FeatureStore) -> None:
    store.save(clip(), MADE, PLAN)
    with pytest.raises(FeatureError, match="its f0 was made for another frame grid"):
        store.load(clip(), FeatureAligner(FrameSpec(16_000, 320)))


def test_without_a_spectrogram_the_rest_is_loaded(store: FeatureStore) -> None:
    store.save(clip(), MADE, PLAN)
    kept = {kind: recipe for kind, recipe in PLAN.items() if kind != Artefact.SPECTROGRAM}
    assert store.forget_unplanned(clip(), kept) == 1
    assert not store.path(clip(), Artefact.SPECTROGRAM).exists()
    assert store.load(clip(), FeatureAligner(FRAMES)).spectrogram is None
    assert store.stale(clip(), kept) == ()


@pytest.mark.parametrize(
    ("artefact", "values", "reason"),
    [
        (Artefact.CONTENT, torch.full((2, 3), torch.nan), "not finite"),
        (Artefact.F0, np.full((2, 3), np.inf), "not finite"),
        (Artefact.CONTENT, torch.zeros(2, 0), r"shape \(2, 0\)"),
        (Artefact.VOLUME, torch.zeros(2, 3), r"shape \(2, 3\)"),
    ],
)
def test_nonsense_is_not_stored(
    store: FeatureStore, artefact: Artefact, values: torch.Tensor, reason: str
) -> None:
    with pytest.raises(FeatureError, match=rf"audio/ada/one\.wav: its {artefact} .*{reason}"):
        store.save(clip(), {artefact: values}, PLAN)
    assert store.stale(clip(), PLAN) == tuple(PLAN)


def test_clips_that_are_gone_leave_nothing(store: FeatureStore) -> None:
    for name in ("one", "two", "two.and more"):
        store.save(clip(name), MADE, PLAN)
    stranger = store.experiment.features / "ada" / "notes.txt"
    stranger.write_text("mine", "utf-8")
    unfinished = temporary_path(store.path(clip("two"), Artefact.F0))
    unfinished.write_bytes(b"")
    assert store.remove_others([clip("one")]) == 2
    left = {path.name for path in stranger.parent.iterdir()}
    assert left == {
        "notes.txt", "one.soft.pt", "one.f0.npy", "one.vol.npy", "one.spec.pt", "one.meta.json",
        unfinished.name,
    }  # fmt: skip
    assert store.stale(clip("one"), PLAN) == ()


def test_a_speaker_that_is_gone_leaves_no_folder(store: FeatureStore) -> None:
    store.save(clip("one"), MADE, PLAN)
    assert store.remove_others([]) == 1
    assert not (store.experiment.features / "ada").exists()
