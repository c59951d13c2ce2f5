"""What must never be loaded: malice, damage, and files of something else."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.content.registry import load_encoder
from ezrvc_features.errors import FeatureError
from ezrvc_features.testing import checkpoints

ENCODERS = ("hubert-soft", "contentvec768l12", "wavlm-base-plus", "dphubert", "whisper-ppg")


class _Malice:
    """When it is unpickled carelessly, it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return os.system, (f"echo caught > '{self.target}'",)


class _Subtle(_Malice):
    """The same through a harmless looking builtin."""

    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return open, (str(self.target), "w")


@pytest.mark.parametrize("malice", [_Malice, _Subtle])
@pytest.mark.parametrize("name", ENCODERS)
def test_malice_is_refused_and_not_executed(
    name: str, malice: type[_Malice], tmp_path: Path
) -> None:
    target = tmp_path / "caught"
    path = tmp_path / "weights.pt"
    torch.save({"model": {"weight": torch.zeros(1)}, "extra": malice(target)}, path)
    with pytest.raises(FeatureError, match=r"refused, because it asks to run .*(system|open)"):
        load_encoder(name, weights=path)
    assert not target.exists()


@pytest.mark.parametrize("keep", [0, 1, 100, 5000, -10])
@pytest.mark.parametrize("name", ENCODERS)
def test_a_file_cut_off_is_named(name: str, keep: int, tmp_path: Path) -> None:
    whole = checkpoints.write_hubert_soft(tmp_path / "whole.pt").read_bytes()
    path = tmp_path / "cut.pt"
    path.write_bytes(whole[:keep])
    with pytest.raises(FeatureError, match=r"cut\.pt: not a checkpoint, or a damaged one"):
        load_encoder(name, weights=path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_something_else_is_named(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"song{suffix}"
    path.write_bytes(b"RIFF" + bytes(range(256)) * 20)
    with pytest.raises(FeatureError, match=rf"song{suffix}: not a checkpoint"):
        read_checkpoint(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"gone\.pt: there is no such file"):
        load_encoder("hubert-soft", weights=tmp_path / "gone.pt")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"expected config\.json beside"):
        load_encoder("contentvec768l12", weights=tmp_path)


def test_stand_ins_do_nothing(tmp_path: Path) -> None:
    path = checkpoints.write_contentvec_fairseq(tmp_path / "fairseq.pt")
    tree = read_checkpoint(path)
    dictionary = tree["task_state"]["dictionaries"][0]
    assert type(dictionary).__module__ == "ezrvc_features.content.foreign"
    assert dictionary.symbols == ["<s>", "</s>"]
    assert tree["args"].arch == "hubert"
    assert type(tree["args"]).__module__ == "ezrvc_features.content.foreign"


def test_arrays_of_k_means_centres_are_read(tmp_path: Path) -> None:
    path = tmp_path / "kmeans.pt"
    centres = np.arange(6, dtype=np.float32).reshape(2, 3)
    torch.save({"ada": {"n_features_in_": 3, "cluster_centers_": centres}}, path)
    np.testing.assert_array_equal(read_checkpoint(path)["ada"]["cluster_centers_"], centres)


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "objects.pt"
    torch.save({"ada": np.array([{"a": 1}, None], dtype=object)}, path)
    with pytest.raises(FeatureError, match=r"objects\.pt"):
        read_checkpoint(path)


def test_unknown_missing_and_misshaped_tensors_are_listed(tmp_path: Path) -> None:
    path = checkpoints.write_hubert_soft(tmp_path / "soft.pt")
    state = torch.load(path, weights_only=True)["hubert"]
    state["module.proj.bias"] = torch.zeros(3)
    state["module.surprise"] = torch.zeros(1)
    del state["module.norm.bias"]
    torch.save({"hubert": state}, path)
    with pytest.raises(FeatureError) as caught:
        load_encoder("hubert-soft", weights=path)
    message = str(caught.value)
    assert "1 missing: norm.bias" in message
    assert "1 unknown: surprise" in message
    assert "proj.bias (3,) instead of (24,)" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ENCODERS)
def test_the_checkpoint_of_another_encoder_is_refused(name: str, tmp_path: Path) -> None:
    writers = {
        "hubert-soft": checkpoints.write_contentvec_fairseq,
        "contentvec768l12": checkpoints.write_hubert_soft,
        "wavlm-base-plus": checkpoints.write_hubert_soft,
        "dphubert": checkpoints.write_hubert_soft,
        "whisper-ppg": checkpoints.write_hubert_soft,
    }
    path = writers[name](tmp_path / "other.pt")
    with pytest.raises(FeatureError, match=r"other\.pt"):
        load_encoder(name, weights=path)


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        ("contentvec768l12", checkpoints.write_whisper_folder),
        ("whisper-ppg", checkpoints.write_contentvec_folder),
    ],
)
def test_the_folder_of_another_encoder_is_refused(name: str, writer: Any, tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"config\.json"):
        load_encoder(name, weights=writer(tmp_path / "other"))


def test_other_than_twelve_layers_is_refused(tmp_path: Path) -> None:
    folder = checkpoints.write_contentvec_folder(tmp_path / "shallow", n_layers=3)
    with pytest.raises(FeatureError, match="needs a network of 12 layers, this one has 3"):
        load_encoder("contentvec768l12", weights=folder)


def test_nothing_is_kept_of_a_bad_checkpoint(tmp_path: Path, cache: Path) -> None:
    path = checkpoints.write_hubert_soft(tmp_path / "soft.pt")
    with pytest.raises(FeatureError):
        load_encoder("contentvec768l12", weights=path)
    assert not list(cache.rglob("*.safetensors"))
