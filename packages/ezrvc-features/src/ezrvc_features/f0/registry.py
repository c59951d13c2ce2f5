"""The F0 estimators by name. A method's libraries are imported when it is loaded, not before."""

import difflib
import importlib
from typing import Unpack

from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.windowed import F0Settings

_ON_CPU = {
    "swift-f0": ("ezrvc_features.f0.swift", "SwiftF0Estimator"),
    "pm": ("ezrvc_features.f0.pm", "PmEstimator"),
    "harvest": ("ezrvc_features.f0.world", "HarvestEstimator"),
    "dio": ("ezrvc_features.f0.world", "DioEstimator"),
}
_ON_DEVICE = {
    "fcpe": ("ezrvc_features.f0.fcpe", "FcpeEstimator"),
    "crepe": ("ezrvc_features.f0.crepe", "CrepeEstimator"),
    "crepe-tiny": ("ezrvc_features.f0.crepe", "CrepeTinyEstimator"),
}


def list_f0_estimators() -> tuple[str, ...]:
    """The names that `load_f0_estimator` knows."""
    return (*_ON_CPU, *_ON_DEVICE)


def load_f0_estimator(
    name: str, *, device: str = "auto", **settings: Unpack[F0Settings]
) -> F0Estimator:
    """Build an estimator, its model loaded.

    Args:
        name: one of `list_f0_estimators()`.
        device: what the torch networks compute on (fcpe, crepe, crepe-tiny), see
            `ezrvc_device.accelerator.resolve_device`; the others always run on the CPU.
        settings: min_hz, max_hz and voicing_threshold.

    Raises:
        FeatureError: no such name, or the method cannot do what the settings ask.
        DeviceError: a torch network is asked for and the device is not here.
    """
    if name not in list_f0_estimators():
        near = difflib.get_close_matches(name, list_f0_estimators(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(list_f0_estimators())}"
        raise FeatureError(f"unknown F0 method {name!r}, {hint}")
    module, class_name = _ON_CPU[name] if name in _ON_CPU else _ON_DEVICE[name]
    build = getattr(importlib.import_module(module), class_name)
    return build(**settings) if name in _ON_CPU else build(device=device, **settings)
