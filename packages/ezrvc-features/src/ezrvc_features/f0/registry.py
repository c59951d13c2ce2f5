"""The F0 estimators by name. A method's libraries are imported when it is loaded, not before."""

import difflib
import importlib
from typing import Unpack

from ezrvc_device.progress import Progress, silent
from ezrvc_features.config import F0Config
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.ensemble import EnsembleEstimator, ensemble_members
from ezrvc_features.f0.median_filter import MedianFilteredEstimator
from ezrvc_features.f0.octaves import OctaveRepairedEstimator
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
    "rmvpe": ("ezrvc_features.f0.rmvpe", "RmvpeEstimator"),
}
_FETCHED = frozenset({"rmvpe"})
"""Methods whose weights come from the network when they are first used."""


def list_f0_estimators() -> tuple[str, ...]:
    """The names that `load_f0_estimator` knows, beside the ensembles of them."""
    return (*_ON_CPU, *_ON_DEVICE)


def load_f0_estimator(
    name: str,
    *,
    device: str = "auto",
    progress: Progress = silent,
    **settings: Unpack[F0Settings],
) -> F0Estimator:
    """Build an estimator, its model loaded.

    Args:
        name: one of `list_f0_estimators()`, or an ensemble of several, the most trusted first:
            `ensemble:swift-f0,fcpe,pm`.
        device: what the torch networks compute on (fcpe, crepe, crepe-tiny, rmvpe), see
            `ezrvc_device.accelerator.resolve_device`; the others always run on the CPU.
        progress: is told how far the download is (rmvpe).
        settings: min_hz, max_hz and voicing_threshold.

    Raises:
        FeatureError: no such name, or the method cannot do what the settings ask; or its weights
            must be fetched (rmvpe) and cannot be.
        DeviceError: a torch network is asked for and the device is not here.
    """
    members = ensemble_members(name)
    if members is not None:
        if settings.get("voicing_threshold") is not None:
            raise FeatureError(
                f"{name}: the methods of an ensemble have scales of their own; "
                "leave voicing_threshold out"
            )
        for member in members:
            _require_known(member)
        return EnsembleEstimator(
            [
                load_f0_estimator(member, device=device, progress=progress, **settings)
                for member in members
            ]
        )
    _require_known(name)
    module, class_name = _ON_CPU[name] if name in _ON_CPU else _ON_DEVICE[name]
    build = getattr(importlib.import_module(module), class_name)
    if name in _ON_CPU:
        return build(**settings)
    if name in _FETCHED:
        return build(device=device, progress=progress, **settings)
    return build(device=device, **settings)


def configured_f0_estimator(
    config: F0Config, *, device: str = "auto", progress: Progress = silent
) -> F0Estimator:
    """The estimator that a configuration asks for: a method or an ensemble, then refinements.

    Octaves are repaired before the median filter smooths what is left.

    Args:
        config: method, range, threshold and refinements.
        device: see `load_f0_estimator`.
        progress: see `load_f0_estimator`.

    Raises:
        FeatureError: as for `load_f0_estimator`.
        DeviceError: as for `load_f0_estimator`.
    """
    estimator = load_f0_estimator(
        config.method,
        device=device,
        progress=progress,
        min_hz=config.min_hz,
        max_hz=config.max_hz,
        voicing_threshold=config.voicing_threshold,
    )
    if config.repair_octaves:
        estimator = OctaveRepairedEstimator(estimator)
    if config.median_filter_frames is not None or config.median_filter_ms is not None:
        estimator = MedianFilteredEstimator(
            estimator,
            length_frames=config.median_filter_frames,
            length_ms=config.median_filter_ms,
        )
    return estimator


def _require_known(name: str) -> None:
    known = list_f0_estimators()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise FeatureError(f"unknown F0 method {name!r}, {hint}")
