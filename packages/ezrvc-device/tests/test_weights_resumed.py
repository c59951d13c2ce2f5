"""Downloads that break off, and several at once."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
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
    weights_present,
)

LARGE = bytes(range(256)) * 20_000
"""5 MB, so that it comes in several pieces."""
OTHER = LARGE[::-1]


def _spec(source: Source) -> WeightSpec:
    return WeightSpec("thing", source)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _bytes_asked(hub: StandInHub) -> list[int]:
    """Where each download of a body began."""
    return [seen.first_byte for seen in hub.seen if seen.method == "GET"]


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
