"""Nothing of the machine that runs the tests may change what they see."""

from collections.abc import Iterator

import pytest

from ezrvc_device.testing import StandInHub

_VARIABLES = (
    "COLAB_BACKEND_VERSION",
    "COLAB_RELEASE_TAG",
    "EZRVC_DEVICE",
    "EZRVC_HOME",
    "EZRVC_OFFLINE",
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in _VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A Hub and file server in this process, and no long pauses when it is tired."""
    with StandInHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setattr("ezrvc_device.weights.download.FIRST_PAUSE_S", 0.001)
        monkeypatch.setattr("ezrvc_device.weights.hub.FIRST_PAUSE_S", 0.001)
        yield hub
