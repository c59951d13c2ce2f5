import numpy as np
import pytest

from ezrvc_audio.testing import harmonic_tone
from ezrvc_features.config import F0Config
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.registry import (
    configured_f0_estimator,
    list_f0_estimators,
    load_f0_estimator,
)
from ezrvc_features.testing.f0 import FRAMES, F0Conformance


def load(name: str) -> F0Estimator:
    return load_f0_estimator(name, min_hz=50.0, max_hz=1400.0, device="cpu")


class TestSwiftF0(F0Conformance):
    chirp_cents = 30.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("swift-f0")


class TestFcpe(F0Conformance):
    chirp_cents = 35.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("fcpe")


class TestCrepeTiny(F0Conformance):
    chirp_cents = 45.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("crepe-tiny")


@pytest.mark.slow
class TestCrepe(F0Conformance):
    """The code of crepe-tiny with a network that takes five times real time on one core."""

    chirp_cents = 35.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("crepe")


class TestPm(F0Conformance):
    chirp_cents = 20.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("pm")


class TestHarvest(F0Conformance):
    chirp_cents = 30.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("harvest")


class TestDio(F0Conformance):
    chirp_cents = 25.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("dio")


@pytest.mark.network
class TestRmvpe(F0Conformance):
    """Fetches the published weights; what needs none of them is in test_rmvpe.py."""

    chirp_cents = 35.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("rmvpe")


class TestEnsemble(F0Conformance):
    chirp_cents = 25.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return load("ensemble:swift-f0,pm,dio")


class TestRefined(F0Conformance):
    """What repairs octaves and smooths must leave sound pitch as it is."""

    chirp_cents = 30.0

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls) -> F0Estimator:
        return configured_f0_estimator(
            F0Config(
                method="swift-f0",
                max_hz=1400.0,
                repair_octaves=True,
                median_filter_frames=3,
            )
        )


def test_every_estimator_is_checked_here() -> None:
    checked = {
        subclass.__name__.removeprefix("Test").lower()
        for subclass in F0Conformance.__subclasses__()
        if subclass.__module__ == __name__
    }
    named = {name.replace("-", "") for name in list_f0_estimators()}
    assert checked == named | {"ensemble", "refined"}


def test_the_full_crepe_finds_a_tone() -> None:
    curve = load("crepe").estimate(harmonic_tone(220.0, 0.08), FRAMES)
    assert curve.voiced.all()
    assert np.median(curve.hz) == pytest.approx(220.0, abs=1.0)
