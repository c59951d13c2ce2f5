"""What a Hub repository holds, and a stand-in that keeps quiet about clients that hang up."""

import http.client
import os
import socket
import struct
import subprocess
import sys
import time

import pytest

from ezrvc_device.errors import WeightsError
from ezrvc_device.testing import StandInHub
from ezrvc_device.weights import HubListing, list_hub_files

FILES = {"b/G_1.pth": b"2", "a.txt": b"1"}


def test_a_listing_names_every_file_and_the_commit(hub: StandInHub) -> None:
    first = hub.commit("org/voice", FILES)
    second = hub.commit("org/voice", {"new": b"3"})
    assert list_hub_files("org/voice") == HubListing("org/voice", second, ("new",))
    assert list_hub_files("org/voice", first).files == ("a.txt", "b/G_1.pth")
    assert list_hub_files("org/voice", "main").commit == second


def test_a_hub_that_is_tired_is_asked_again(hub: StandInHub) -> None:
    hub.commit("org/voice", FILES)
    hub.statuses = [503, 429]
    assert len(list_hub_files("org/voice").files) == 2


def test_what_cannot_be_listed_is_said(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.commit("org/gated", FILES, is_gated=True)
    hub.commit("org/voice", FILES)
    for repository, revision, message in (
        ("org/none", None, "^org/none: Hub repository org/none is not there or private"),
        ("org/voice", "0" * 40, f"org/voice at {'0' * 40} is not there"),
        ("org/gated", None, "is gated: accept its terms at http.*/org/gated, then log in"),
        ("voice", None, "'voice': write it as owner/name"),
        ("org/../voice", None, "write it as owner/name"),
    ):
        with pytest.raises(WeightsError, match=message) as caught:
            list_hub_files(repository, revision)
        assert "\n" not in str(caught.value)
    n_asked = len(hub.seen)
    monkeypatch.setenv("EZRVC_OFFLINE", "1")
    with pytest.raises(WeightsError, match="cannot be listed in offline mode"):
        list_hub_files("org/voice")
    assert len(hub.seen) == n_asked


def test_an_unreachable_hub_is_said(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(WeightsError, match=r"cannot be reached at http.*try again$"):
            list_hub_files("org/voice")


def test_a_client_that_hangs_up_is_no_news(
    hub: StandInHub, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.put("large", bytes(50_000_000))
    connection = http.client.HTTPConnection(hub.url.removeprefix("http://"))
    connection.request("GET", "/large")
    assert connection.sock is not None
    # no farewell, but a reset, so that the other side's next write fails
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    response = connection.getresponse()
    response.read(10)
    response.close()
    connection.close()
    time.sleep(0.2)
    assert capfd.readouterr().err == ""


def test_the_hub_itself_is_asked_where_no_mirror_is_named() -> None:
    """In a process that has imported nothing else of huggingface_hub, and cannot reach anything."""
    environment = {k: v for k, v in os.environ.items() if k not in ("HF_ENDPOINT", "NO_PROXY")}
    script = "from ezrvc_device.weights import list_hub_files; list_hub_files('owner/name')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment | {"HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "WeightsError" in last
    assert "cannot be reached at https://huggingface.co/owner/name" in last
