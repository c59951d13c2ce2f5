"""Models found in repositories of the Hub: the right files, pinned, or a clear choice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ezrvc_device.testing import StandInHub
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.hub import HubAddress, fetch_hub_model
from ezrvc_model.interop.sovits import import_sovits
from ezrvc_model.testing import save_sovits_voice


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    with StandInHub() as hub:
        for variable in ("EZRVC_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
        yield hub


def fetched(text: str, cache: Path) -> tuple[str, set[str]]:
    """The checkpoint and the files beside it, by name."""
    model = fetch_hub_model(HubAddress.parse(text), cache=cache)
    files = {path.name for path in model.checkpoint.parent.iterdir() if path.is_file()}
    return model.checkpoint.name, {name for name in files if not name.startswith(".")}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf:org/voice", HubAddress("org/voice", None, "")),
        ("hf:org/voice/", HubAddress("org/voice", None, "")),
        ("hf:org/voice@v1.0", HubAddress("org/voice", "v1.0", "")),
        ("hf:org/voice@main/a b/G_1.pth", HubAddress("org/voice", "main", "a b/G_1.pth")),
        ("hf:org/voice/sub/folder/", HubAddress("org/voice", None, "sub/folder")),
    ],
)
def test_addresses_are_read(text, address):
    assert HubAddress.parse(text) == address


@pytest.mark.parametrize("text", ["hf:", "hf:voice", "hf:org/voice@", "hf:org/voice/a@b", "x:a/b"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ModelError, match="is no place on the Hub: write hf:owner/name"):
        HubAddress.parse(text)


def test_a_sovits_model_comes_with_what_belongs_to_it(hub, tmp_path):
    generator = save_sovits_voice(tmp_path / "44k", encoder="contentvec768l12", content_dim=768)
    content, config = generator.read_bytes(), generator.with_name("config.json").read_bytes()
    commit = hub.commit(
        "org/voice",
        {
            "README.md": b"-",
            "sza/G_800.pth": content,
            "sza/G_90.pth": b"older",
            "sza/config.json": config,
            "sza/D_800.pth": b"same step",
            "sza/D_900.pth": b"another step",
            "sza/kmeans_10000.pt": b"centres",
            "sza/optimizer.pt": b"-",
            "elsewhere/config.json": b"-",
        },
    )
    hub.commit("org/voice", {"README.md": b"gone"})
    model = fetch_hub_model(HubAddress.parse(f"hf:org/voice@{commit}"), cache=tmp_path / "cache")
    assert {path.name for path in model.checkpoint.parent.glob("[!.]*")} == {
        "G_800.pth",
        "config.json",
        "D_800.pth",
        "kmeans_10000.pt",
    }
    assert (model.name, model.address) == ("sza", f"hf:org/voice@{commit}/sza/G_800.pth")
    imported, original = import_sovits(model.checkpoint), import_sovits(generator)
    assert imported.config == original.config
    assert all(torch.equal(imported.state[name], each) for name, each in original.state.items())
    assert not list((tmp_path / "cache").rglob("*.tmp"))


def test_rvc_models_come_with_their_index(hub, tmp_path):
    files = {"ada.pth": b"1", "ada.index": b"2", "D_2333333.pth": b"3", "notes.txt": b"4"}
    hub.commit("org/ada", files)
    assert fetched("hf:org/ada", tmp_path) == ("ada.pth", {"ada.pth", "ada.index"})


def test_several_models_are_a_choice_and_a_name_makes_it(hub, tmp_path):
    hub.commit(
        "org/many",
        {"a/ada.pth": b"1", "a/bob.pth": b"2", "b/G_1.pth": b"3", "b/config.json": b"{}"},
    )
    with pytest.raises(ModelError, match=r"holds 3 models; name one: .*hf:org/many/a/bob.pth"):
        fetched("hf:org/many", tmp_path)
    with pytest.raises(ModelError, match="hf:org/many/a: holds 2 models"):
        fetched("hf:org/many/a", tmp_path)
    assert fetched("hf:org/many/a/bob.pth", tmp_path) == ("bob.pth", {"bob.pth"})
    assert fetched("hf:org/many/b", tmp_path)[0] == "G_1.pth"


def test_what_holds_no_model_is_refused(hub, tmp_path):
    hub.commit("org/none", {"model.safetensors": b"1", "D_1.pth": b"2"})
    hub.commit("org/bare", {"G_1.pth": b"1"})
    with pytest.raises(ModelError, match=r"^hf:org/none: holds no .pth generator.*has D_1.pth$"):
        fetched("hf:org/none", tmp_path)
    with pytest.raises(ModelError, match=r"hf:org/bare/sub: holds no .pth .*has G_1.pth"):
        fetched("hf:org/bare/sub", tmp_path)
    with pytest.raises(ModelError, match=r"G_1\.pth: has no config\.json beside it"):
        fetched("hf:org/bare", tmp_path)
