"""Retrievers on disk, and those that other programs wrote."""

import os
import pickle
import struct
import subprocess
from collections import OrderedDict
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval import (
    IndexRetriever,
    KMeansRetriever,
    load_retriever,
    read_facts,
    read_rvc_index,
    read_sovits_kmeans,
    save_retriever,
)
from ezrvc_features.retrieval import rvc_index as rvc_index_module


class WritesAFile:
    """Pickled, it asks whoever reads it to create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def vectors(n: int = 50, dim: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def write_index(path: Path, kind: str, content: np.ndarray) -> Path:
    index = faiss.index_factory(content.shape[1], kind)
    index.train(content)
    index.add(content)
    faiss.write_index(index, str(path))
    return path


def one_line(error: pytest.ExceptionInfo[FeatureError], path: Path) -> None:
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [IndexRetriever, KMeansRetriever])
def test_a_retriever_comes_back_as_it_was(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "voice" / "a.safetensors"
    retriever = kind(vectors())
    save_retriever(retriever, path, origin="three clips", fingerprint="abc")
    back = load_retriever(path)
    assert type(back) is kind
    assert np.array_equal(back.vectors, retriever.vectors)
    content = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(back.blend(content, 0.4), retriever.blend(content, 0.4))
    facts = read_facts(path)
    assert (facts.method, facts.n_vectors, facts.dim) == (retriever.name, 50, 6)
    assert (facts.origin, facts.fingerprint) == ("three clips", "abc")
    save_retriever(
        retriever, path.with_name("b.safetensors"), origin="three clips", fingerprint="abc"
    )
    assert path.with_name("b.safetensors").read_bytes() == path.read_bytes()
    assert {each.name for each in path.parent.iterdir()} == {"a.safetensors", "b.safetensors"}


def test_half_precision_is_used_only_where_it_loses_nothing(tmp_path: Path) -> None:
    halves = vectors().astype(np.float16).astype(np.float32)
    for name, content, dtype in (
        ("half", halves, np.float16),
        ("full", halves + np.float32(1e-6), np.float32),
        ("large", halves * np.float32(1e6), np.float32),
    ):
        path = tmp_path / f"{name}.safetensors"
        save_retriever(IndexRetriever(content), path)
        assert load_file(path)["vectors"].dtype == dtype
        assert np.array_equal(load_retriever(path).vectors, content)


def test_an_older_file_survives_a_write_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_retriever(IndexRetriever(vectors()), path)
    before = path.read_bytes()
    broken = IndexRetriever(vectors())
    broken.vectors = np.array([["words"]])
    with pytest.raises(ValueError, match="could not convert"):
        save_retriever(broken, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_no_retrievers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(FeatureError, match="cannot be read") as missing:
        load_retriever(path)
    one_line(missing, path)
    save_retriever(IndexRetriever(vectors()), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FeatureError, match="ezrvc models retrieval") as cut:
        read_facts(path)
    one_line(cut, path)
    save_file({"vectors": vectors()}, path)
    with pytest.raises(FeatureError, match="not retrieval vectors") as other:
        load_retriever(path)
    one_line(other, path)


def sovits_tree(dim: int = 6) -> dict[str, dict[str, Any]]:
    return {
        name: {"n_features_in_": dim, "_n_threads": 4, "cluster_centers_": vectors(9, dim, seed)}
        for seed, name in enumerate(["ada", "bob"])
    }


def test_the_centres_of_so_vits_are_read(tmp_path: Path) -> None:
    path = tmp_path / "kmeans_10000.pt"
    torch.save(sovits_tree(), path)
    read = read_sovits_kmeans(path)
    assert list(read) == ["ada", "bob"]
    assert np.array_equal(read["bob"].vectors, vectors(9, 6, 1))


def test_a_malicious_kmeans_file_is_refused_and_does_nothing(tmp_path: Path) -> None:
    path, made = tmp_path / "kmeans.pt", tmp_path / "made"
    torch.save({**sovits_tree(), "eve": WritesAFile(made)}, path)
    with pytest.raises(FeatureError, match="refused, because it asks to run") as refused:
        read_sovits_kmeans(path)
    one_line(refused, path)
    assert not made.exists()


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({}, "holds no speakers"),
        ([1, 2], "holds no speakers"),
        ({"ada": {"n_features_in_": 6}}, "has no cluster_centers_"),
        ({"ada": 3}, "has no cluster_centers_"),
        ({"ada": {"cluster_centers_": np.zeros(4)}}, r"\(n_vectors, dim\)"),
        ({"ada": {"cluster_centers_": np.full((2, 2), np.nan)}}, "not finite"),
        ({"ada": {"cluster_centers_": np.zeros((2, 3)), "n_features_in_": 4}}, "but says 4"),
    ],
)
def test_other_contents_than_centres_are_refused(tmp_path: Path, tree: Any, message: str) -> None:
    path = tmp_path / "kmeans.pt"
    torch.save(tree, path)
    with pytest.raises(FeatureError, match=message) as refused:
        read_sovits_kmeans(path)
    one_line(refused, path)


def test_a_truncated_kmeans_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kmeans.pt"
    torch.save(sovits_tree(), path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FeatureError, match="damaged") as refused:
        read_sovits_kmeans(path)
    one_line(refused, path)


@pytest.mark.parametrize("kind", ["IVF4,Flat", "Flat"])
def test_the_vectors_of_an_index_are_read_in_order(tmp_path: Path, kind: str) -> None:
    content = vectors(300)
    path = write_index(tmp_path / "added ä.index", kind, content)
    assert np.array_equal(read_rvc_index(path).vectors, content)


def test_an_index_without_vectors_says_which_file_has_them(tmp_path: Path) -> None:
    path = tmp_path / "trained.index"
    index = faiss.index_factory(6, "IVF4,Flat")
    index.train(vectors(300))
    faiss.write_index(index, str(path))
    with pytest.raises(FeatureError, match=r"holds no vectors .* added_\*\.index") as refused:
        read_rvc_index(path)
    one_line(refused, path)


def test_damaged_indexes_are_refused(tmp_path: Path) -> None:
    path = write_index(tmp_path / "a.index", "IVF4,Flat", vectors(300))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FeatureError, match="damaged") as cut:
        read_rvc_index(path)
    one_line(cut, path)
    path.write_bytes(b"words, not vectors " * 40)
    with pytest.raises(FeatureError, match="not a faiss index") as words:
        read_rvc_index(path)
    one_line(words, path)
    with pytest.raises(FeatureError, match="cannot be read") as missing:
        read_rvc_index(tmp_path / "none.index")
    one_line(missing, tmp_path / "none.index")


def test_an_index_that_claims_to_be_huge_fails_alone(tmp_path: Path) -> None:
    path = write_index(tmp_path / "a.index", "Flat", vectors(300))
    content = bytearray(path.read_bytes())
    struct.pack_into("<q", content, 8, 1 << 40)  # ntotal, after the type and the width
    path.write_bytes(content)
    with pytest.raises(FeatureError, match="damaged") as refused:
        read_rvc_index(path)
    one_line(refused, path)


def test_compressed_vectors_are_refused(tmp_path: Path) -> None:
    path = write_index(tmp_path / "a.index", "SQ4", vectors(3000))
    with pytest.raises(FeatureError, match="compressed, which is not supported") as refused:
        read_rvc_index(path)
    one_line(refused, path)


def test_a_pickled_index_is_refused_with_advice(tmp_path: Path) -> None:
    made = tmp_path / "made"
    for name in ("feature_and_index.pkl", "renamed.index"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(OrderedDict({0: WritesAFile(made)})))
        with pytest.raises(FeatureError, match=r"pickled .* nothing was executed") as refused:
            read_rvc_index(path)
        one_line(refused, path)
    assert not made.exists()


def test_too_large_too_slow_and_crashing_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_index(tmp_path / "a.index", "Flat", vectors())
    with pytest.raises(FeatureError, match=r"more than 0\.001 s and was stopped") as slow:
        read_rvc_index(path, timeout_s=0.001)
    one_line(slow, path)
    with monkeypatch.context() as changed:
        changed.setattr(rvc_index_module, "LARGEST_BYTES", 100)
        with pytest.raises(FeatureError, match="more than a retrieval index has") as large:
            read_rvc_index(path)
    one_line(large, path)

    def die(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, -11, "", "")

    monkeypatch.setattr(subprocess, "run", die)
    with pytest.raises(FeatureError, match=r"died \(code -11\)") as crashed:
        read_rvc_index(path)
    one_line(crashed, path)
