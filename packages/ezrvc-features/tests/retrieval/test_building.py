"""Retrievers from the feature store."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip
from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval import RetrievalConfig, build, fingerprint
from ezrvc_features.store import Artefact, FeatureStore, Recipe

INDEX = RetrievalConfig(method="index")


def recipe(version: str = "1") -> Recipe:
    return Recipe(extractor="mel", version=version, settings={"frame_rate_hz": 50.0})


def add_clip(store: FeatureStore, name: str, content: torch.Tensor, *, version: str = "1") -> Clip:
    clip = Clip(
        path=f"audio/ada/{name}.wav",
        speaker="ada",
        source="take.wav",
        start_s=0.0,
        end_s=1.0,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
    )
    plan = {Artefact.CONTENT: recipe(version)}
    store.save(clip, {Artefact.CONTENT: content}, plan)
    return clip


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(ExperimentFolder(tmp_path / "ada"))


def test_an_index_holds_every_vector_of_the_clips_whatever_their_order(
    store: FeatureStore,
) -> None:
    parts = [torch.randn(4, n, generator=torch.Generator().manual_seed(n)) for n in (3, 5)]
    clips = [add_clip(store, f"{number}", part) for number, part in enumerate(parts)]
    told: list[tuple[str, float, float | None]] = []

    def note(step: str, completed: float, total: float | None = None) -> None:
        told.append((step, completed, total))

    built = build(store, clips, INDEX, progress=note)
    expected = torch.cat(parts, dim=1).half().float().T.numpy()
    assert np.array_equal(built.vectors, expected)
    assert np.array_equal(build(store, clips[::-1], INDEX).vectors, expected)
    assert told == [("read content", 0, 2), ("read content", 1, 2), ("read content", 2, 2)]


def test_centres_are_as_many_as_asked_for(store: FeatureStore) -> None:
    clip = add_clip(store, "a", torch.randn(4, 40, generator=torch.Generator().manual_seed(0)))
    built = build(store, [clip], RetrievalConfig(method="kmeans", n_clusters=6))
    assert (built.name, built.vectors.shape) == ("kmeans", (6, 4))


def test_the_fingerprint_changes_with_clips_settings_and_encoder(store: FeatureStore) -> None:
    content = torch.ones(4, 3)
    clips = [add_clip(store, name, content) for name in "ab"]
    first = fingerprint(store, clips, INDEX)
    assert first == fingerprint(store, clips[::-1], INDEX)
    assert first != fingerprint(store, clips[:1], INDEX)
    assert first != fingerprint(store, clips, RetrievalConfig(method="kmeans"))
    add_clip(store, "a", content, version="2")
    assert first != fingerprint(store, clips, INDEX)


def test_what_cannot_be_built_is_refused(store: FeatureStore) -> None:
    with pytest.raises(FeatureError, match="at least one clip"):
        build(store, [], INDEX)
    a = add_clip(store, "a", torch.ones(4, 3))
    b = add_clip(store, "b", torch.ones(5, 3))
    with pytest.raises(FeatureError, match=r"b\.wav: its content is 5 wide, .*a\.wav 4"):
        build(store, [a, b], INDEX)
    store.path(a, Artefact.CONTENT).write_bytes(b"cut")
    with pytest.raises(FeatureError, match=r"a\.wav: .* run preprocess again"):
        build(store, [a], INDEX)
    missing = a.model_copy(update={"sha256": "other"})
    with pytest.raises(FeatureError, match="content is not there"):
        fingerprint(store, [missing], INDEX)
