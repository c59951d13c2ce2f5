"""Weights from every kind of source, against a Hub and a file server in this process."""

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
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


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    with StandInHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setattr("ezrvc_device.weights.download.FIRST_PAUSE_S", 0.001)
        monkeypatch.setattr("ezrvc_device.weights.hub.FIRST_PAUSE_S", 0.001)
        yield hub


def _spec(source: Source) -> WeightSpec:
    return WeightSpec("thing", source)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _bytes_asked(hub: StandInHub) -> list[int]:
    """Where each download of a body began."""
    return [seen.first_byte for seen in hub.seen if seen.method == "GET"]


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


# broken off and taken up again


@pytest.mark.parametrize("kind", ["hub", "small", "url", "unverified"])
def test_a_broken_connection_goes_on_where_it_broke(
    hub: StandInHub, tmp_path: Path, kind: str
) -> None:
    content = LARGE[:900] if kind == "small" else LARGE
    commit = hub.commit("org/voice", {"model.bin": content})
    url = hub.put("model.pt", content)
    sources: dict[str, Source] = {
        "hub": HubSource("org/voice", "model.bin", commit),
        "small": HubSource("org/voice", "model.bin", commit),
        "url": UrlSource(url, _sha256(content)),
        "unverified": UrlSource(url, UNVERIFIED),
    }
    step = len(content) // 3
    hub.cut_after = [step, step]
    assert fetch(_spec(sources[kind]), cache=tmp_path).read_bytes() == content
    begun = sorted(set(_bytes_asked(hub)))
    assert begun == [0, step, 2 * step]


_FETCHER = """
import sys
from pathlib import Path
from ezrvc_device.weights import HubSource, UrlSource, WeightSpec, fetch
def tell(step, completed, total=None):
    print(completed, flush=True)
    if completed >= 2_000_000:
        sys.stdin.read()
fetch(WeightSpec("thing", eval(sys.argv[1])), tell, cache=Path(sys.argv[2]))
"""


@pytest.mark.parametrize("kind", ["hub", "url"])
def test_a_killed_download_goes_on_where_it_was(hub: StandInHub, tmp_path: Path, kind: str) -> None:
    source: Source = UrlSource(hub.put("model.pt", LARGE), _sha256(LARGE))
    if kind == "hub":
        source = HubSource("org/voice", "model.bin", hub.commit("org/voice", {"model.bin": LARGE}))
    with subprocess.Popen(
        [sys.executable, "-c", _FETCHER, repr(source), str(tmp_path)],
        env={**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 2_000_000:
            pass
        process.send_signal(signal.SIGKILL)
    assert not weights_present(_spec(source), cache=tmp_path)
    hub.seen.clear()
    assert fetch(_spec(source), cache=tmp_path).read_bytes() == LARGE
    assert min(_bytes_asked(hub)) >= 1_000_000


def test_kept_bytes_that_are_bad_are_fetched_anew(hub: StandInHub, tmp_path: Path) -> None:
    source = UrlSource(hub.put("model.pt", LARGE), _sha256(LARGE))
    hub.cut_after = [2_000_000] + [0] * 20
    with pytest.raises(WeightsError, match=r"cannot be fetched .*run the same command again"):
        fetch(_spec(source), cache=tmp_path)
    hub.cut_after.clear()
    (partial,) = weights_path(_spec(source), cache=tmp_path).parent.glob(".*.part")
    partial.write_bytes(b"x" * partial.stat().st_size)
    assert fetch(_spec(source), cache=tmp_path).read_bytes() == LARGE


@pytest.mark.parametrize("surplus", [b"", b"xyz"], ids=["whole", "too much"])
def test_kept_bytes_may_be_all_or_too_many(hub: StandInHub, tmp_path: Path, surplus: bytes) -> None:
    source = UrlSource(hub.put("model.pt", LARGE), _sha256(LARGE))
    hub.cut_after = [1000] + [0] * 20
    with pytest.raises(WeightsError, match="cannot be fetched"):
        fetch(_spec(source), cache=tmp_path)
    hub.cut_after.clear()
    (partial,) = weights_path(_spec(source), cache=tmp_path).parent.glob(".*.part")
    partial.write_bytes(LARGE + surplus)
    hub.seen.clear()
    assert fetch(_spec(source), cache=tmp_path).read_bytes() == LARGE
    assert (0 in _bytes_asked(hub)) == bool(surplus)


def test_a_file_that_changes_between_two_connections_is_not_mixed(
    hub: StandInHub, tmp_path: Path
) -> None:
    url = hub.put("model.pt", LARGE)
    hub.cut_after = [2_000_000]

    def swap(step: str, completed: float, total: float | None = None) -> None:
        if completed < 2_000_000:
            hub.put("model.pt", OTHER)

    path = fetch(_spec(UrlSource(url, UNVERIFIED)), swap, cache=tmp_path)
    assert path.read_bytes() == OTHER


def test_two_at_once_fetch_once(hub: StandInHub, tmp_path: Path) -> None:
    spec = _spec(HubSource("org/voice", "model.bin", hub.commit("org/voice", {"model.bin": LARGE})))
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(fetch(spec, cache=tmp_path))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4
    assert len(set(paths)) == 1
    assert len([seen for seen in hub.seen if seen.path.startswith("/storage/")]) == 2, "HEAD, GET"


# unverified: said, recorded, held to


def test_an_unverified_repository_is_held_to_the_commit_first_seen(
    hub: StandInHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = hub.commit("org/voice", {"a.bin": LARGE, "b.bin": SMALL})
    spec = _spec(HubSource("org/voice", "a.bin", UNVERIFIED))
    with caplog.at_level(logging.WARNING, "ezrvc_device"):
        path = fetch(spec, cache=tmp_path)
    assert f"held to commit {first}" in caplog.text
    assert path.read_bytes() == LARGE

    hub.commit("org/voice", {"a.bin": OTHER, "b.bin": b"other"})
    path.unlink()
    caplog.clear()
    assert fetch(spec, cache=tmp_path).read_bytes() == LARGE, "the branch moved, the pin did not"
    other = fetch(_spec(HubSource("org/voice", "b.bin", UNVERIFIED)), cache=tmp_path)
    assert other.read_bytes() == SMALL, "all files of a repository come from one commit"
    assert caplog.text == ""

    hub.tamper("org/voice", first, "a.bin", OTHER)
    path.unlink()
    with pytest.raises(WeightsError, match=f"{_sha256(LARGE)} was expected: it was replaced"):
        fetch(spec, cache=tmp_path)


def test_an_unverified_address_is_held_to_the_hash_first_seen(
    hub: StandInHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec = _spec(UrlSource(hub.put("model.pt", LARGE), UNVERIFIED))
    with caplog.at_level(logging.WARNING, "ezrvc_device"):
        path = fetch(spec, cache=tmp_path)
    assert f"held to SHA-256 {_sha256(LARGE)}" in caplog.text
    path.unlink()
    caplog.clear()
    assert fetch(spec, cache=tmp_path) == path
    assert caplog.text == ""
    path.unlink()
    hub.put("model.pt", OTHER)
    with pytest.raises(WeightsError, match=f"{_sha256(OTHER)}, but {_sha256(LARGE)} was expected"):
        fetch(spec, cache=tmp_path)
    assert not path.exists()


def test_a_file_put_there_by_hand_is_checked_once(hub: StandInHub, tmp_path: Path) -> None:
    spec = _spec(UrlSource(f"{hub.url}/none.pt", _sha256(LARGE)))
    path = weights_path(spec, cache=tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(OTHER)
    with pytest.raises(WeightsError, match=r"none\.pt has SHA-256 .* delete it and run again"):
        fetch(spec, cache=tmp_path)
    path.write_bytes(LARGE)
    assert fetch(spec, cache=tmp_path) == path
    record = json.loads((tmp_path / "weights" / "ledger.json").read_text(encoding="utf-8"))
    assert [entry["sha256"] for entry in record["files"].values()] == [_sha256(LARGE)]
    assert hub.seen == []


def test_a_file_changed_after_the_fact_is_noticed(hub: StandInHub, tmp_path: Path) -> None:
    commit = hub.commit("org/voice", {"model.bin": LARGE})
    spec = _spec(HubSource("org/voice", "model.bin", commit))
    path = fetch(spec, cache=tmp_path)
    path.write_bytes(LARGE[:-1])
    with pytest.raises(WeightsError, match="was expected: delete it and run again"):
        fetch(spec, cache=tmp_path)


def test_a_cache_that_cannot_be_written_still_serves(
    hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = _spec(UrlSource(hub.put("model.pt", LARGE), _sha256(LARGE)))
    path = fetch(spec, cache=tmp_path)
    (tmp_path / "weights" / "ledger.json").unlink()

    def read_only(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ezrvc_device.weights.ledger.write_text", read_only)
    assert fetch(spec, cache=tmp_path) == path


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}'])
def test_a_ledger_that_is_none_is_said(hub: StandInHub, tmp_path: Path, text: str) -> None:
    spec = _spec(UrlSource(hub.put("model.pt", LARGE), UNVERIFIED))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "ledger.json").write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError, match=r"ledger\.json .*: delete it"):
        fetch(spec, cache=tmp_path)


# offline


@pytest.mark.parametrize("variable", ["EZRVC_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize("kind", ["hub", "url"])
def test_offline_serves_what_is_here_and_says_what_is_not(
    hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, kind: str
) -> None:
    hub.commit("org/voice", {"model.bin": LARGE})
    source: Source = HubSource("org/voice", "model.bin", UNVERIFIED)
    if kind == "url":
        source = UrlSource(hub.put("model.pt", LARGE), _sha256(LARGE))
    spec = _spec(source)
    monkeypatch.setenv(variable, "1")
    with pytest.raises(WeightsError, match="not in the cache and offline mode is on") as caught:
        fetch(spec, cache=tmp_path)
    assert f"put the file at {weights_path(spec, cache=tmp_path)}" in str(caught.value)
    assert "EZRVC_OFFLINE and HF_HUB_OFFLINE unset" in str(caught.value)
    assert hub.seen == []
    monkeypatch.setenv(variable, "0")
    path = fetch(spec, cache=tmp_path)
    monkeypatch.setenv(variable, "true")
    assert fetch(spec, cache=tmp_path) == path


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
