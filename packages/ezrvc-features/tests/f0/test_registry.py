import subprocess
import sys

import pytest

from ezrvc_device.errors import DeviceError
from ezrvc_features.config import F0Config
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.registry import list_f0_estimators, load_f0_estimator


def test_the_methods_are_these() -> None:
    assert set(list_f0_estimators()) == {
        "swift-f0", "fcpe", "crepe", "crepe-tiny", "pm", "harvest", "dio", "rmvpe",
    }  # fmt: skip
    assert F0Config().method in list_f0_estimators()


@pytest.mark.parametrize(
    ("name", "advice"), [("crep", "did you mean 'crepe'"), ("xyz", "known: swift-f0, pm")]
)
def test_an_unknown_method_is_an_error_with_advice(name: str, advice: str) -> None:
    with pytest.raises(FeatureError, match=f"unknown F0 method '{name}', {advice}"):
        load_f0_estimator(name)


def test_settings_reach_the_method() -> None:
    estimator = load_f0_estimator("pm", min_hz=80.0, max_hz=300.0, voicing_threshold=0.7)
    assert isinstance(estimator, F0Estimator)
    assert estimator.range_hz == (80.0, 300.0)
    assert "threshold 0.7" in estimator.version


def test_a_missing_device_is_an_error_for_networks_only() -> None:
    assert load_f0_estimator("dio", device="cuda:77").name == "dio"
    with pytest.raises(DeviceError, match="cuda:77"):
        load_f0_estimator("crepe-tiny", device="cuda:77")


def test_the_registry_imports_no_method() -> None:
    heavy = "{'swift_f0', 'torchcrepe', 'torchfcpe', 'parselmouth', 'pyworld', 'onnxruntime'}"
    code = (
        "import sys, ezrvc_features.f0.registry as r; r.list_f0_estimators(); "
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
