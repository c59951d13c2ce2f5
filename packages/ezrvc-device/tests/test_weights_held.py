"""What was first seen is held to; what is here needs no network."""

import hashlib
import json
import logging
from pathlib import Path

import pytest

from ezrvc_device.errors import WeightsError
from ezrvc_device.testing import StandInHub
from ezrvc_device.weights import (
    UNVERIFIED,
    HubSource,
    Source,
    UrlSource,
    WeightSpec,
    fetch,
    weights_path,
)

SMALL = b'{"hidden_size": 8}'
LARGE = bytes(range(256)) * 20_000
"""5 MB, so that it comes in several pieces."""
OTHER = LARGE[::-1]


def _spec(source: Source) -> WeightSpec:
    return WeightSpec("thing", source)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


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
