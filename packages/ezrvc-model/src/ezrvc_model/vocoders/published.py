"""The NSF-HiFiGAN that others published, fetched when asked for, or one in a folder."""

import zipfile
from pathlib import Path, PurePosixPath

import torch

from ezrvc_device.atomic import atomic_folder
from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress, silent
from ezrvc_device.weights import UNVERIFIED, LocalSource, UrlSource, WeightSpec, fetch
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.nsf_hifigan import import_nsf_hifigan
from ezrvc_model.vocoders.mel_vocoder import HiFiGANVocoder

NSF_HIFIGAN_WEIGHTS = WeightSpec(
    "nsf-hifigan",
    UrlSource(
        "https://github.com/openvpi/vocoders/releases/download/nsf-hifigan-v1/"
        "nsf_hifigan_20221211.zip",
        UNVERIFIED,
    ),
    "CC-BY-NC-SA-4.0",
)
"""The 44.1 kHz vocoder of openvpi (2022-12): `model`, `config.json` and notices in one archive."""
PUBLISHED_LICENCE = (
    "the published NSF-HiFiGAN weights (openvpi) are under CC BY-NC-SA 4.0: name them, share "
    "alike, no commercial use"
)
PUBLISHED_SIZE = "50 MB"
"""About what has to be downloaded."""
_CHECKPOINT_NAMES = ("model", "model.ckpt")
_CONFIG_NAME = "config.json"


def load_nsf_hifigan(
    weights: str | Path | None = None,
    *,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
) -> HiFiGANVocoder:
    """Load a stand-alone NSF-HiFiGAN, ready for inference.

    Args:
        weights: a folder with `model` and `config.json` as openvpi lays them out, or the
            checkpoint itself beside its `config.json`; None: the published weights, fetched if
            they are not here yet. Their licence forbids commercial use, so ask for them only where
            the user did.
        device: where it is to run.
        progress: is told how far the download is.

    Raises:
        ModelError: the weights are not here and cannot be fetched, or are damaged or of something
            else.
    """
    vocoder = import_nsf_hifigan(_checkpoint(weights, progress))
    return vocoder.prepare_for_inference().to(device)


def licence_notice(weights: str | Path | None) -> str:
    """What a user of these weights must know of their licence, one line."""
    if weights is None:
        return PUBLISHED_LICENCE
    return f"enhanced by the vocoder in {weights}: its own licence holds; {PUBLISHED_LICENCE}"


def _checkpoint(weights: str | Path | None, progress: Progress) -> Path:
    spec = NSF_HIFIGAN_WEIGHTS
    if weights is not None:
        spec = WeightSpec("nsf-hifigan", LocalSource(Path(weights)))
    try:
        path = fetch(spec, progress)
    except WeightsError as error:
        if weights is not None:
            raise ModelError(f"{error}; it is to hold `model` and `{_CONFIG_NAME}`") from error
        raise ModelError(
            f"the weights of the enhancer ({PUBLISHED_SIZE}, {spec.licence}) are not here: "
            f"{error}; connect and run this again, or unpack them anywhere and name the folder: "
            "--set enhancer_weights=FOLDER"
        ) from error
    if weights is None:
        path = _unpacked(path)
    return _checkpoint_in(path) if path.is_dir() else path


def _checkpoint_in(folder: Path) -> Path:
    for name in _CHECKPOINT_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(
        f"{folder}: holds no {' or '.join(_CHECKPOINT_NAMES)}; name the folder of an NSF-HiFiGAN "
        f"with its checkpoint and {_CONFIG_NAME}"
    )


def _unpacked(archive: Path) -> Path:
    """The folder of an archive's files, unpacked beside it once; folders within are dropped."""
    folder = archive.with_suffix("")
    if folder.is_dir():
        return folder
    try:
        with zipfile.ZipFile(archive) as packed, atomic_folder(folder) as temporary:
            for entry in packed.infolist():
                name = PurePosixPath(entry.filename).name
                if not entry.is_dir() and name:
                    (temporary / name).write_bytes(packed.read(entry))
    except zipfile.BadZipFile as error:
        raise ModelError(f"{archive}: is no sound archive ({error}); delete it") from error
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return folder
