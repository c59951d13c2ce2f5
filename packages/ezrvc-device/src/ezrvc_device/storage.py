"""Where recordings, prepared data, models and downloads are kept."""

import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ezrvc_device.environment import detect_environment
from ezrvc_device.errors import DeviceError

_COLAB_ROOT = Path("/content")


@dataclass(frozen=True)
class Storage:
    """The folders of one data root; says where things are, creates nothing."""

    root: Path
    raw: Path
    """Recordings as they came: `data/raw/<speaker>/…`."""
    processed: Path
    """Prepared experiments: `data/processed/<exp>/…`."""
    models: Path
    """Training runs and finished voices: `models/<exp>/…`."""
    cache: Path
    """Downloads; can be deleted and fetched again."""

    @classmethod
    def at(cls, root: Path, *, cache: Path | None = None) -> Self:
        """The folders below `root`.

        Args:
            root: the data root.
            cache: where downloads go; None: `cache` below the root.
        """
        return cls(
            root=root,
            raw=root / "data" / "raw",
            processed=root / "data" / "processed",
            models=root / "models",
            cache=cache or root / "cache",
        )


def find_storage(home: Path | None = None) -> Storage:
    """Find the data root.

    It is, in this order: `home`; the variable EZRVC_HOME; on Colab `/content`; the nearest folder
    at or above the working one that holds a `data` folder or is this project's checkout; the
    user's data folder. The root of the file system never counts as holding `data`: on many
    servers `/data` is a disk. A data root found by looking around shares the user's cache folder,
    so that weights are downloaded once; the others keep their own.

    Raises:
        DeviceError: EZRVC_HOME or `home` is a file.
    """
    named = home or _home_variable()
    if named is not None:
        root = named.expanduser().absolute()
        if root.exists() and not root.is_dir():
            raise DeviceError(f"data root {root} is not a folder: name a folder in EZRVC_HOME")
        return Storage.at(root)
    if detect_environment().kind == "colab":
        return Storage.at(_COLAB_ROOT)
    import platformdirs  # here, not above: `import ezrvc_device` stays light

    folders = platformdirs.PlatformDirs("ezrvc", appauthor=False)
    root = _project_above(Path.cwd()) or folders.user_data_path
    return Storage.at(root, cache=folders.user_cache_path)


def free_disk(path: Path) -> int:
    """Bytes free on the disk that holds `path`, or will hold it: it need not exist yet."""
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _home_variable() -> Path | None:
    value = os.environ.get("EZRVC_HOME", "").strip()
    return Path(value) if value else None


def _project_above(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        if folder.parent == folder:
            return None
        if (folder / "data").is_dir() or _is_checkout(folder):
            return folder
    return None


def _is_checkout(folder: Path) -> bool:
    """Whether this is the top of the ezrvc source tree."""
    try:
        with (folder / "pyproject.toml").open("rb") as file:
            return tomllib.load(file).get("project", {}).get("name") == "ezrvc"
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
