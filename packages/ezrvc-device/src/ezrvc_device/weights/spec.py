"""Where a weight file comes from, pinned so that it is the same file tomorrow."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from ezrvc_device.errors import WeightsError

UNVERIFIED: Final = "unverified"
"""In place of a revision or hash that nobody has checked: the first one seen is held to."""

_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_REPOSITORY = re.compile(r"^[\w.-]+/[\w.-]+$")


@dataclass(frozen=True)
class PackageSource:
    """A file that ships inside an installed Python package."""

    package: str
    """Import name, `ezrvc_features.content`."""
    path: str
    """Relative to the package, with `/`."""

    def __post_init__(self) -> None:
        _check_relative(self.path, f"package {self.package}")

    def __str__(self) -> str:
        return f"{self.path} of package {self.package}"


@dataclass(frozen=True)
class HubSource:
    """A file in a model repository of the Hugging Face Hub."""

    repository: str
    """`owner/name`."""
    file: str
    """Path in the repository, with `/`."""
    revision: str
    """A commit (40 hexadecimal digits), or UNVERIFIED: the newest when first seen."""
    sha256: str | None = None
    """Of the file; None: the Hub's own hash of the pinned commit is trusted."""

    def __post_init__(self) -> None:
        check_repository(self.repository)
        _check_relative(self.file, f"Hub repository {self.repository}")
        if self.revision != UNVERIFIED and not _COMMIT.match(self.revision):
            raise WeightsError(
                f"Hub repository {self.repository}: revision {self.revision!r} is no pin; "
                f"give a commit (40 hexadecimal digits) or {UNVERIFIED!r}"
            )
        if self.sha256 is not None:
            _check_sha256(self.sha256, str(self))

    def __str__(self) -> str:
        return f"{self.file} of Hub repository {self.repository}"


@dataclass(frozen=True)
class UrlSource:
    """A file at an address."""

    url: str
    """http or https."""
    sha256: str
    """Of the file (64 hexadecimal digits), or UNVERIFIED: that of the file first seen."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("https://", "http://")):
            raise WeightsError(f"{self.url!r} is not an http or https address")
        if self.sha256 != UNVERIFIED:
            _check_sha256(self.sha256, self.url)
        if not self.file_name:
            raise WeightsError(f"{self.url!r} names no file: its path must end in a file name")

    @property
    def file_name(self) -> str:
        """The last part of the address, without what follows `?`."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class LocalSource:
    """A file or folder that the user already has."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


Source: TypeAlias = PackageSource | HubSource | UrlSource | LocalSource


@dataclass(frozen=True)
class WeightSpec:
    """A weight file that ezrvc may need."""

    name: str
    """What messages and progress call it: `contentvec768l12`."""
    source: Source
    licence: str = ""
    """SPDX identifier or a few words; empty: not known."""


def check_repository(repository: str) -> None:
    """Make sure that a repository is written as the Hub writes it.

    Raises:
        WeightsError: it is not.
    """
    if not _REPOSITORY.match(repository):
        raise WeightsError(f"Hub repository {repository!r}: write it as owner/name")


def _check_relative(path: str, owner: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path:
        raise WeightsError(f"{owner}: {path!r} is not a relative path below it")


def _check_sha256(digest: str, owner: str) -> None:
    if not _SHA256.match(digest):
        raise WeightsError(f"{owner}: {digest!r} is not a SHA-256 (64 hexadecimal digits)")
