"""Where the tests of encoders keep what they convert."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty data root, the CPU, no network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EZRVC_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("EZRVC_DEVICE", "cpu")
        patch.setenv("EZRVC_OFFLINE", "1")
        yield


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that no other test has written to."""
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cache"


@pytest.fixture(scope="class")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for the weights that the tests of one class share."""
    return tmp_path_factory.mktemp("weights")
