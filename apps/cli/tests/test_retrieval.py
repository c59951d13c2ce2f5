"""`ezrvc models retrieval`, and the vectors that come with voices of other programs."""

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
import torch

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_cli.main import main
from ezrvc_cli.testing import SMALL_VOICE, Command, Finished, check_one_clear_line
from ezrvc_features.retrieval import load_retriever
from ezrvc_model.testing import save_rvc_voice, save_sovits_voice, save_untrained_voice
from ezrvc_model.voice import VoiceModel

WIDTH = 768


class WritesAFile:
    """Pickled, it asks whoever reads it to create a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EZRVC_DEVICE", "cpu")
    monkeypatch.delenv("EZRVC_DEBUG", raising=False)
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `ezrvc` with arguments in this process."""

    def run_command(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(list(map(str, arguments)))
        captured = capfd.readouterr()
        return Finished(int(stop.value.code or 0), captured.out, captured.err)

    return run_command


def vectors(n: int = 40, dim: int = WIDTH, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def write_kmeans(path: Path, *speakers: str, dim: int = WIDTH) -> Path:
    tree = {
        name: {
            "n_features_in_": dim,
            "_n_threads": 4,
            "cluster_centers_": vectors(dim=dim, seed=seed),
        }
        for seed, name in enumerate(speakers)
    }
    torch.save(tree, path)
    return path


def write_index(path: Path, content: np.ndarray) -> Path:
    index = faiss.IndexFlatL2(content.shape[1])
    index.add(content)
    faiss.write_index(index, str(path))
    return path


def kept(home: Path, name: str) -> dict[str, np.ndarray]:
    voice = VoiceModel.load(home / "models" / name / "voice")
    return {who: load_retriever(path).vectors for who, path in voice.retrieval.items()}


def test_the_centres_beside_a_sovits_voice_come_with_it(
    tmp_path: Path, home: Path, run: Command
) -> None:
    folder = tmp_path / "44k"
    save_sovits_voice(folder, ["ada", "bob"], encoder="contentvec768l12", content_dim=WIDTH)
    write_kmeans(folder / "kmeans_10000.pt", "bob", "carl")
    finished = run("models", "import", folder, "--name", "duo")
    assert finished.code == 0, finished.err
    assert "bob: kmeans of 40 vectors (kmeans_10000.pt)" in finished.out
    assert "nobody here is called carl" in finished.err
    assert set(found := kept(home, "duo")) == {"bob"}
    assert np.array_equal(found["bob"], vectors())
    told = run("models", "info", "duo", "--json").json["retrieval"]["bob"]
    assert (told["method"], told["n_vectors"], told["dim"]) == ("kmeans", 40, WIDTH)


def test_the_index_beside_an_rvc_voice_comes_with_it(
    tmp_path: Path, home: Path, run: Command
) -> None:
    path = save_rvc_voice(tmp_path / "Ada.pth")
    write_index(tmp_path / "added_IVF1_Flat_nprobe_1_ada_v2.index", vectors(seed=1))
    write_index(tmp_path / "added_IVF1_Flat_nprobe_1_bob_v2.index", vectors(seed=2))
    write_index(tmp_path / "trained_IVF1_Flat_nprobe_1_ada_v2.index", vectors(seed=3))
    assert run("models", "import", path, "--speaker", "lady").code == 0
    assert np.array_equal(kept(home, "Ada")["lady"], vectors(seed=1))


def test_what_is_only_found_and_cannot_be_used_is_left_out(
    tmp_path: Path, home: Path, run: Command
) -> None:
    path = save_rvc_voice(tmp_path / "Ada.pth")
    first = write_index(tmp_path / "one.index", vectors(dim=256))
    narrow = run("models", "import", path, "--name", "a")
    assert narrow.code == 0
    assert "retrieval left out" in narrow.err
    assert "256 wide" in narrow.err
    write_index(tmp_path / "two.index", vectors())
    several = run("models", "import", path, "--name", "b")
    assert "one.index, two.index are there; name one with --retrieval" in several.err
    for file in (first, tmp_path / "two.index"):
        file.unlink()
    (tmp_path / "feature_and_index.pkl").write_bytes(pickle.dumps(WritesAFile(tmp_path / "made")))
    pickled = run("models", "import", path, "--name", "c")
    assert pickled.code == 0
    assert "pickled faiss index" in pickled.err
    assert not (tmp_path / "made").exists()
    assert [kept(home, name) for name in "abc"] == [{}, {}, {}]


def test_a_named_file_that_cannot_be_used_stops_the_import(
    tmp_path: Path, home: Path, run: Command
) -> None:
    path = save_rvc_voice(tmp_path / "Ada.pth")
    bad = {
        write_kmeans(tmp_path / "narrow.pt", "ada", dim=256): "256 wide",
        write_kmeans(tmp_path / "others.pt", "bob", "carl"): "has centres of bob, carl",
        write_index(tmp_path / "narrow.index", vectors(dim=256)): "256 wide",
        tmp_path / "none.index": "cannot be read",
    }
    for file, words in bad.items():
        refused = run("models", "import", path, "--retrieval", file)
        check_one_clear_line(refused, file.name, words)
    made = tmp_path / "made"
    evil = tmp_path / "evil.pt"
    torch.save({"ada": WritesAFile(made)}, evil)
    check_one_clear_line(run("models", "import", path, "--retrieval", evil), "refused")
    assert not made.exists()
    assert not (home / "models").exists()
    good = write_kmeans(tmp_path / "good.pt", "somebody")
    assert run("models", "import", path, "--retrieval", good).code == 0
    assert np.array_equal(kept(home, "Ada")["Ada"], vectors())


def test_from_recordings_to_a_conversion_with_retrieval(
    tmp_path: Path, home: Path, run: Command
) -> None:
    raw = home / "data" / "raw" / "ada"
    raw.mkdir(parents=True)
    for number in range(2):
        write(raw / f"{number}.wav", speech_like(8.0, 24000, seed=number))
    config = tmp_path / "small.yaml"
    config.write_text(SMALL_VOICE, encoding="utf-8")
    chosen = ["--config", config, "--preset", "tiny", "--set", "features.f0.method=pm"]
    chosen += ["--set", "features.encoder=mel"]
    prepared = run(
        "preprocess", "--speaker", "ada", *chosen, "--set", "retrieval.method=kmeans",
        "--set", "retrieval.n_clusters=20", "--workers", "1",
    )  # fmt: skip
    assert prepared.code == 0, prepared.err
    small = [
        "--set",
        "train.discriminator.periods=[2]",
        "--set",
        "train.discriminator.narrowing=64",
    ]
    trained = run("train", "--steps", "1", *small)
    assert trained.code == 0, trained.err
    assert kept(home, "ada")["ada"].shape == (20, 80)
    source, plain, moved = (tmp_path / name for name in ("in.wav", "plain.wav", "moved.wav"))
    write(source, speech_like(1.5, 24000, seed=7))
    assert run("convert", source, "-o", plain).code == 0
    assert run("convert", source, "-o", moved, "--set", "retrieval_ratio=0.8").code == 0
    assert plain.read_bytes() != moved.read_bytes()
    # the same voice, now with an index
    finished = run("models", "retrieval", "ada")
    assert finished.code == 0, finished.err
    assert "ada: index of" in finished.out
    assert "clips of experiment ada" in finished.out
    assert len(kept(home, "ada")["ada"]) > 200
    save_untrained_voice(home / "models" / "eve", ["eve"])
    check_one_clear_line(run("models", "retrieval", "eve"), "'eve' is not prepared")
    check_one_clear_line(
        run("models", "retrieval", "eve", "--experiment", "ada"), "no clips of eve"
    )
    refused = run("convert", source, "--voice", "eve", "--set", "retrieval_ratio=0.5")
    check_one_clear_line(refused, "no retrieval vectors for 'eve'", "ezrvc models retrieval")
    shutil.rmtree(home / "models" / "ada" / "voice" / "retrieval")
    assert run("convert", source, "--voice", "ada", "-o", moved).code == 0
