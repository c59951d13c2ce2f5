"""Weights from every kind of source, against a Hub and a file server in this process."""

import hashlib
from pathlib import Path

import pytest

from ezrvc_device.errors import WeightsError
from ezrvc_device.testing import StandInHub
from ezrvc_device.weights import (
    UNVERIFIED,
    HubSource,
    LocalSource,
    PackageSource,
    Source,
    UrlSource,
    WeightSpec,
    fetch,
    weights_path,
    weights_present,
)

SMALL = b'{"hidden_size": 8}'
LARGE = bytes(range(256)) * 20_000
"""5 MB, so that it comes in several pieces."""
OTHER = LARGE[::-1]
NO_COMMIT = "0" * 40


def _spec(source: Source) -> WeightSpec:
    return WeightSpec("thing", source)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# Hub


def test_a_pinned_file_of_the_hub(hub: StandInHub, tmp_path: Path) -> None:
    commit = hub.commit("org/voice", {"config.json": SMALL, "sub/model.bin": LARGE})
    hub.commit("org/voice", {"config.json": b"{}", "sub/model.bin": OTHER})
    config = fetch(_spec(HubSource("org/voice", "config.json", commit)), cache=tmp_path)
    model = fetch(_spec(HubSource("org/voice", "sub/model.bin", commit)), cache=tmp_path)
    assert config.read_bytes() == SMALL
    assert model.read_bytes() == LARGE
    assert model == config.parent / "sub" / "model.bin", "a repository's files lie together"
    assert tmp_path in model.parents


def test_a_fetched_file_needs_no_network(hub: StandInHub, tmp_path: Path) -> None:
    spec = _spec(HubSource("org/voice", "model.bin", hub.commit("org/voice", {"model.bin": LARGE})))
    assert not weights_present(spec, cache=tmp_path)
    path = fetch(spec, cache=tmp_path)
    hub.seen.clear()
    assert fetch(spec, cache=tmp_path) == path
    assert weights_present(spec, cache=tmp_path)
    assert hub.seen == []


def test_progress_reaches_the_whole(hub: StandInHub, tmp_path: Path) -> None:
    told: list[tuple[str, float, float | None]] = []
    spec = _spec(HubSource("org/voice", "model.bin", hub.commit("org/voice", {"model.bin": LARGE})))

    def tell(step: str, completed: float, total: float | None = None) -> None:
        told.append((step, completed, total))

    fetch(spec, tell, cache=tmp_path)
    assert {step for step, _, _ in told} == {"fetch thing"}
    completed = [done for _, done, _ in told]
    assert len(completed) > 2
    assert completed == sorted(completed)
    assert told[-1][1:] == (len(LARGE), len(LARGE))


def test_the_hubs_own_hash_is_held_to(hub: StandInHub, tmp_path: Path) -> None:
    commit = hub.commit("org/voice", {"model.bin": LARGE})
    source = HubSource("org/voice", "model.bin", commit, sha256=_sha256(OTHER))
    with pytest.raises(WeightsError, match=f"SHA-256 {_sha256(LARGE)}, but {_sha256(OTHER)} was"):
        fetch(_spec(source), cache=tmp_path)
    assert not weights_present(_spec(source), cache=tmp_path)


@pytest.mark.parametrize(
    ("repository", "file", "revision", "message"),
    [
        ("org/none", "model.bin", NO_COMMIT, "org/none is not there or private: check the name"),
        ("org/voice", "none.bin", None, r"none\.bin of Hub repository org/voice is not there \(h"),
        ("org/voice", "model.bin", NO_COMMIT, r"org/voice is not there \(http.*resolve/0000"),
        ("org/gated", "model.bin", None, r"is gated: accept its terms at http.*/org/gated, then"),
    ],
    ids=["repository", "file", "commit", "gated"],
)
def test_what_is_not_there_is_said(
    hub: StandInHub, tmp_path: Path, repository: str, file: str, revision: str | None, message: str
) -> None:
    commit = hub.commit("org/voice", {"model.bin": LARGE})
    hub.commit("org/gated", {"model.bin": LARGE}, is_gated=True)
    source = HubSource(repository, file, revision or commit)
    if repository == "org/gated":
        source = HubSource(repository, file, UNVERIFIED)
    with pytest.raises(WeightsError, match=message) as caught:
        fetch(_spec(source), cache=tmp_path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("thing: ")


def test_a_hub_that_is_tired_is_asked_again(hub: StandInHub, tmp_path: Path) -> None:
    spec = _spec(HubSource("org/voice", "model.bin", hub.commit("org/voice", {"model.bin": LARGE})))
    hub.statuses = [503, 502]
    assert fetch(spec, cache=tmp_path).read_bytes() == LARGE


def test_a_hub_that_stays_tired_is_given_up(hub: StandInHub, tmp_path: Path) -> None:
    spec = _spec(HubSource("org/voice", "model.bin", hub.commit("org/voice", {"model.bin": LARGE})))
    hub.statuses = [503] * 20
    with pytest.raises(WeightsError, match=r"the Hub answers 503 .*: try again later"):
        fetch(spec, cache=tmp_path)
    assert len(hub.seen) < 6


def test_a_hub_that_cannot_be_reached_is_said_with_the_place_for_the_file(
    hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    spec = _spec(HubSource("org/voice", "model.bin", NO_COMMIT))
    with pytest.raises(WeightsError, match="cannot be reached at http://127") as caught:
        fetch(spec, cache=tmp_path)
    assert str(weights_path(spec, cache=tmp_path)) in str(caught.value)


def test_a_server_that_is_no_hub_is_said(hub: StandInHub, tmp_path: Path) -> None:
    hub.put(f"org/voice/resolve/{NO_COMMIT}/model.bin", LARGE)
    with pytest.raises(WeightsError, match="does not answer like a Hugging Face Hub: check HF_EN"):
        fetch(_spec(HubSource("org/voice", "model.bin", NO_COMMIT)), cache=tmp_path)


# an address


def test_a_file_at_an_address(hub: StandInHub, tmp_path: Path) -> None:
    source = UrlSource(hub.put("deep/my model.pt", LARGE) + "?raw=1", _sha256(LARGE))
    path = fetch(_spec(source), cache=tmp_path)
    assert path.name == "my model.pt"
    assert path.read_bytes() == LARGE
    assert [file.name for file in path.parent.iterdir() if file.suffix == ".part"] == []


def test_a_wrong_hash_leaves_nothing(hub: StandInHub, tmp_path: Path) -> None:
    source = UrlSource(hub.put("model.pt", OTHER), _sha256(LARGE))
    with pytest.raises(WeightsError, match=f"{_sha256(LARGE)} was expected") as caught:
        fetch(_spec(source), cache=tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(weights_path(_spec(source), cache=tmp_path).parent.glob("*.part"))
    hub.put("model.pt", LARGE)
    assert fetch(_spec(source), cache=tmp_path).read_bytes() == LARGE, "a later try may do"


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "does not have the file .404.: check"), (403, "refuses access .403.: accept its terms")],
)
def test_a_refusal_is_not_insisted_on(
    hub: StandInHub, tmp_path: Path, status: int, message: str
) -> None:
    hub.statuses = [status] * 9
    with pytest.raises(WeightsError, match=message):
        fetch(_spec(UrlSource(f"{hub.url}/model.pt", _sha256(LARGE))), cache=tmp_path)
    assert len(hub.seen) == 1


def test_an_empty_file_can_be_fetched(hub: StandInHub, tmp_path: Path) -> None:
    source = UrlSource(hub.put("empty", b""), _sha256(b""))
    assert fetch(_spec(source), cache=tmp_path).read_bytes() == b""


def test_a_disk_too_small_is_said_before_it_is_full(
    hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ezrvc_device.weights.download.free_disk", lambda _: 1000)
    source = UrlSource(hub.put("model.pt", LARGE), _sha256(LARGE))
    with pytest.raises(WeightsError, match=r"6 MB do not fit on the disk of .*EZRVC_HOME"):
        fetch(_spec(source), cache=tmp_path)


def test_a_folder_that_cannot_be_written_is_said(hub: StandInHub, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "url").touch()
    source = UrlSource(hub.put("model.pt", LARGE), _sha256(LARGE))
    with pytest.raises(WeightsError, match=r"cannot write .*set EZRVC_HOME"):
        fetch(_spec(source), cache=tmp_path)


# no network at all


def test_a_file_inside_a_package(tmp_path: Path) -> None:
    spec = _spec(PackageSource("ezrvc_device", "weights/spec.py"))
    assert weights_present(spec)
    path = fetch(spec)
    assert "UNVERIFIED" in path.read_text(encoding="utf-8")
    missing = _spec(PackageSource("ezrvc_device", "weights/none.safetensors"))
    assert not weights_present(missing)
    with pytest.raises(WeightsError, match=r"none\.safetensors of package ezrvc_device is missing"):
        fetch(missing)


@pytest.mark.parametrize("package", ["no_such_package", "no_such_package.inner"])
def test_a_package_that_is_not_installed(package: str) -> None:
    spec = _spec(PackageSource(package, "a.bin"))
    assert not weights_present(spec)
    with pytest.raises(WeightsError, match=f"package {package} is not installed: install it"):
        fetch(spec)


def test_a_path_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.bin").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch(_spec(LocalSource(Path("~/mine.bin")))) == tmp_path / "mine.bin"
    assert fetch(_spec(LocalSource(tmp_path))) == tmp_path, "folders too"
    with pytest.raises(WeightsError, match="none does not exist: check the path"):
        fetch(_spec(LocalSource(tmp_path / "none")))


def test_the_cache_is_that_of_the_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    path = weights_path(_spec(HubSource("org/voice", "model.bin", NO_COMMIT)))
    assert tmp_path / "cache" / "weights" in path.parents
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HubSource("voice", "a", NO_COMMIT), "'voice': write it as owner/name"),
        (lambda: HubSource("org/voice", "a", "main"), "revision 'main' is no pin"),
        (lambda: HubSource("org/voice", "../a", NO_COMMIT), r"'\.\./a' is not a relative path"),
        (lambda: HubSource("org/voice", "", NO_COMMIT), "'' is not a relative path"),
        (lambda: HubSource("org/voice", "a", NO_COMMIT, "12"), "'12' is not a SHA-256"),
        (lambda: UrlSource("ftp://host/a", UNVERIFIED), "not an http or https address"),
        (lambda: UrlSource("https://host/", UNVERIFIED), "names no file"),
        (lambda: UrlSource("https://host/a", "12"), "'12' is not a SHA-256"),
        (lambda: PackageSource("ezrvc_device", "/etc/x"), "'/etc/x' is not a relative path"),
    ],
)
def test_a_source_that_is_not_pinned_or_leaves_its_place_is_refused(
    make: type[object], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        make()
