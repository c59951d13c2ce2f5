"""One way to any weight file: in a package, on the Hub, at an address, or already at hand."""

import hashlib
import importlib.util
import logging
import os
from pathlib import Path

from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress, silent
from ezrvc_device.storage import find_storage
from ezrvc_device.weights.download import Download, download
from ezrvc_device.weights.hub import HubListing, list_files, locate
from ezrvc_device.weights.ledger import Ledger, file_lock
from ezrvc_device.weights.spec import (
    UNVERIFIED,
    HubSource,
    LocalSource,
    PackageSource,
    UrlSource,
    WeightSpec,
    check_repository,
)

_log = logging.getLogger(__name__)
_OFFLINE_VARIABLES = ("EZRVC_OFFLINE", "HF_HUB_OFFLINE")


def fetch(spec: WeightSpec, progress: Progress = silent, *, cache: Path | None = None) -> Path:
    """Give the path of a weight file, downloading it if it is not here yet.

    Files of one Hub repository keep their places relative to each other, so that the parent of
    one of them is a folder that holds all that were fetched.

    A source marked `unverified` is reported as a warning in the log; what is first seen of it (the
    commit, the SHA-256) is recorded in the cache's ledger, and everything later is held to that.

    Args:
        spec: what to fetch.
        progress: told of bytes received and bytes in all, under the step `fetch <name>`.
        cache: the cache folder; None: that of `find_storage()`.

    Raises:
        WeightsError: the file cannot be had; the message says why and what to do.
    """
    source = spec.source
    path = weights_path(spec, cache=cache)
    if isinstance(source, PackageSource):
        if not path.is_file():
            raise WeightsError(f"{spec.name}: {source} is missing ({path}): install it again")
    elif isinstance(source, LocalSource):
        if not path.exists():
            raise WeightsError(f"{spec.name}: {path} does not exist: check the path")
    else:
        ledger = Ledger(weights_folder(cache))
        if not path.is_file():
            _require_network(spec, path)
            try:
                with file_lock(path):
                    if not path.is_file():  # another process may have fetched it meanwhile
                        _fetch_remote(spec.name, source, path, ledger, progress)
            except OSError as error:
                raise WeightsError(
                    f"{spec.name}: cannot write {path} ({error.strerror or error}): "
                    "free some space or set EZRVC_HOME to another folder"
                ) from error
        elif not ledger.is_checked(path):
            _check_found(spec.name, source, path, ledger)
    return path


def weights_present(spec: WeightSpec, *, cache: Path | None = None) -> bool:
    """Whether `fetch` would answer without the network."""
    try:
        return weights_path(spec, cache=cache).exists()
    except WeightsError:
        return False


def weights_folder(cache: Path | None = None) -> Path:
    """Where downloaded weights are kept: `weights` in the cache folder."""
    return (cache or find_storage().cache).absolute() / "weights"


def weights_path(spec: WeightSpec, *, cache: Path | None = None) -> Path:
    """Where the file is or will be.

    Raises:
        WeightsError: the package that should hold the file is not installed.
    """
    source = spec.source
    if isinstance(source, PackageSource):
        return _package_folder(spec.name, source) / source.path
    if isinstance(source, LocalSource):
        return source.path.expanduser().absolute()
    folder = weights_folder(cache)
    if isinstance(source, HubSource):
        owner, _, repository = source.repository.partition("/")
        return folder / "hub" / f"{owner}--{repository}" / source.revision / source.file
    pin = source.sha256[:16]
    if source.sha256 == UNVERIFIED:
        pin = f"{UNVERIFIED}-{hashlib.sha256(source.url.encode()).hexdigest()[:16]}"
    return folder / "url" / pin / source.file_name


def list_hub_files(repository: str, revision: str | None = None) -> HubListing:
    """Say what a model repository of the Hub holds, and at which commit, so that it can be pinned.

    Args:
        repository: `owner/name`.
        revision: a commit, branch or tag; None: the newest.

    Raises:
        WeightsError: offline mode is on; no such repository or revision; no access; no connection.
    """
    check_repository(repository)
    if is_offline():
        raise WeightsError(
            f"{repository}: Hub repositories cannot be listed in offline mode: run with "
            "EZRVC_OFFLINE and HF_HUB_OFFLINE unset"
        )
    return list_files(repository, revision)


def is_offline() -> bool:
    """Whether the user forbids the network, by EZRVC_OFFLINE or HF_HUB_OFFLINE."""
    values = (os.environ.get(variable, "").strip().lower() for variable in _OFFLINE_VARIABLES)
    return any(value in {"1", "true", "yes", "on"} for value in values)


def _require_network(spec: WeightSpec, path: Path) -> None:
    if is_offline():
        raise WeightsError(
            f"{spec.name}: {spec.source} is not in the cache and offline mode is on: run once "
            f"with EZRVC_OFFLINE and HF_HUB_OFFLINE unset, or put the file at {path}"
        )


def _fetch_remote(
    name: str, source: HubSource | UrlSource, path: Path, ledger: Ledger, progress: Progress
) -> None:
    known = _promised(source) or ledger.sha256_of(path)
    if isinstance(source, UrlSource):
        file = Download(name=name, url=source.url, target=path, sha256=known, identity=known)
    else:
        file = _hub_download(name, source, path, ledger, known)
    digest = download(file, progress)
    ledger.record_file(path, digest)
    if known is None and isinstance(source, UrlSource):
        _log.warning("%s: nobody has verified %s; held to SHA-256 %s", name, source, digest)


def _hub_download(
    name: str, source: HubSource, path: Path, ledger: Ledger, known: str | None
) -> Download:
    commit: str | None = source.revision
    if source.revision == UNVERIFIED:
        commit = ledger.commit_of(source.repository)
    found = locate(name, source, commit, target=path)
    if source.revision == UNVERIFIED and commit is None:
        commit = ledger.record_commit(source.repository, found.commit)
        _log.warning("%s: nobody has verified %s; held to commit %s", name, source, commit)
        if commit != found.commit:  # another process saw the repository first
            found = locate(name, source, commit, target=path)
    if known is not None and found.sha256 not in (None, known):
        raise WeightsError(
            f"{name}: the Hub now gives {source} with SHA-256 {found.sha256}, but {known} was "
            f"expected: it was replaced; do not use it unless you know why"
        )
    return Download(
        name=name,
        url=found.url,
        headers=found.headers,
        target=path,
        sha256=known or found.sha256,
        identity=f"{found.commit} {found.tag}",
    )


def _check_found(name: str, source: HubSource | UrlSource, path: Path, ledger: Ledger) -> None:
    """Settle whether a file that somebody else put in the cache is the right one."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    known = _promised(source) or ledger.sha256_of(path)
    if known not in (None, digest):
        raise WeightsError(
            f"{name}: {path} has SHA-256 {digest}, but {known} was expected: "
            "delete it and run again"
        )
    try:
        ledger.record_file(path, digest)
    except OSError as error:  # a read-only cache holds good files; they are only hashed each time
        _log.info("%s: %s cannot be noted in the ledger (%s)", name, path, error)
    if known is None:
        _log.warning("%s: nobody has verified %s; held to SHA-256 %s", name, path, digest)


def _promised(source: HubSource | UrlSource) -> str | None:
    """The hash that the specification states."""
    return None if source.sha256 == UNVERIFIED else source.sha256


def _package_folder(name: str, source: PackageSource) -> Path:
    try:
        found = importlib.util.find_spec(source.package)
    except ModuleNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise WeightsError(f"{name}: package {source.package} is not installed: install it")
    return Path(found.submodule_search_locations[0])
