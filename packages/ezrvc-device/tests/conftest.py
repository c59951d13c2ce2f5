"""Nothing of the machine that runs the tests may change what they see."""

import pytest

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
