"""Where ezrvc runs, what is there, and what is missing."""

import importlib
import importlib.metadata
import os
from dataclasses import dataclass, field
from pathlib import Path

from ezrvc_device.accelerator import available_devices, resolve_device
from ezrvc_device.environment import detect_environment
from ezrvc_device.errors import DeviceError
from ezrvc_device.memory import memory_status
from ezrvc_device.precision import convolution_dtype, precision_for
from ezrvc_device.storage import Storage, free_disk
from ezrvc_device.weights import weights_present
from ezrvc_features.content.registry import list_encoders
from ezrvc_features.f0.rmvpe import RMVPE_SIZE, RMVPE_WEIGHTS
from ezrvc_model.vocoders.published import NSF_HIFIGAN_WEIGHTS, PUBLISHED_SIZE

_VERSIONS_SHOWN = (
    "ezrvc-cli", "ezrvc-model", "ezrvc-features", "ezrvc-audio", "ezrvc-device",
    "torch", "torchaudio", "transformers", "lightning", "numpy",
)  # fmt: skip
_MUST_IMPORT = (
    "av", "soundfile", "soxr", "pyloudnorm", "librosa", "parselmouth", "torchcrepe",
    "torchfcpe", "swift_f0", "transformers", "lightning", "safetensors",
)  # fmt: skip
_LOW_DISK_BYTES = 2_000_000_000


@dataclass
class Diagnosis:
    """What was found.

    Attributes:
        facts: title to rows of (what, finding).
        problems: what keeps ezrvc from working, each with what to do; empty when all is well.
        notes: what is not there but is only needed for some things.
    """

    facts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def diagnose(storage: Storage, device: str | None = None) -> Diagnosis:
    """Look at everything `ezrvc doctor` reports."""
    diagnosis = Diagnosis()
    _environment(diagnosis)
    _devices(diagnosis, device)
    _versions(diagnosis)
    _folders(diagnosis, storage)
    _weights(diagnosis)
    return diagnosis


def _environment(diagnosis: Diagnosis) -> None:
    environment = detect_environment()
    diagnosis.facts["environment"] = [
        ("kind", environment.kind),
        ("system", f"{environment.operating_system} {environment.machine}"),
        ("python", environment.python_version),
    ]


def _devices(diagnosis: Diagnosis, device: str | None) -> None:
    rows = [(each.name, each.description) for each in available_devices()]
    try:
        chosen = resolve_device(device)
        precision = precision_for(chosen)
        memory = memory_status(chosen)
        convolutions = str(convolution_dtype(chosen)).removeprefix("torch.")
        rows += [
            ("used", str(chosen)),
            ("precision", f"{precision.name} in training, {convolutions} in convolutions"),
            (
                "memory",
                f"{memory.free / 1e9:.1f} GB free of {memory.total / 1e9:.1f} GB",
            ),
        ]
    except DeviceError as error:
        diagnosis.problems.append(str(error))
    diagnosis.facts["devices"] = rows


def _versions(diagnosis: Diagnosis) -> None:
    rows: list[tuple[str, str]] = []
    for name in _VERSIONS_SHOWN:
        try:
            rows.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            diagnosis.problems.append(f"{name} is not installed; run: uv sync")
    diagnosis.facts["versions"] = rows
    for name in _MUST_IMPORT:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            diagnosis.problems.append(f"{name} cannot be imported ({error}); run: uv sync")


def _folders(diagnosis: Diagnosis, storage: Storage) -> None:
    free = free_disk(storage.root)
    diagnosis.facts["folders"] = [
        ("data root", str(storage.root)),
        ("recordings", str(storage.raw)),
        ("models", str(storage.models)),
        ("weights", str(storage.cache)),
        ("free disk", f"{free / 1e9:.1f} GB"),
    ]
    if free < _LOW_DISK_BYTES:
        diagnosis.problems.append(
            f"only {free / 1e9:.1f} GB of disk are free at {storage.root}; make room"
        )
    if not os.access(_nearest_existing(storage.root), os.W_OK):
        diagnosis.problems.append(f"{storage.root} cannot be written; set EZRVC_HOME")


def _weights(diagnosis: Diagnosis) -> None:
    encoders = {
        entry.name: _finding(entry.is_present(), entry.size_text, entry.licence)
        for entry in list_encoders()
    }
    rmvpe, enhancer = RMVPE_WEIGHTS, NSF_HIFIGAN_WEIGHTS
    others = {
        "pitch estimators": {
            rmvpe.name: _finding(weights_present(rmvpe), RMVPE_SIZE, rmvpe.licence)
        },
        "enhancer": {
            enhancer.name: _finding(weights_present(enhancer), PUBLISHED_SIZE, enhancer.licence)
        },
    }
    for title, findings in {"content encoders": encoders, **others}.items():
        diagnosis.facts[title] = list(findings.items())
    diagnosis.notes.append("weights that are not here are fetched when first asked for")


def _finding(is_present: bool, size: str, licence: str) -> str:
    where = "present" if is_present else f"not here ({size})"
    return f"{where}; licence {licence or 'not known'}"


def _nearest_existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
