"""Bytes from an address into a file: resumed where they broke off, checked, whole or absent."""

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ezrvc_device.atomic import put_in_place
from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress
from ezrvc_device.storage import free_disk

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 4
"""Connections that are tried in a row without one new byte."""
FIRST_PAUSE_S = 0.5
"""Before the second attempt; doubled after each."""
_CHUNK_BYTES = 1 << 20
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another attempt may better."""
_REFUSING_STATUS = frozenset({401, 403})


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file to fetch."""

    name: str
    """What messages and progress call it."""
    url: str
    target: Path
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    sha256: str | None = None
    """What the file must hash to; None: not known beforehand."""
    identity: str | None = None
    """Names the exact bytes (a hash, a commit and tag), so that a later process may go on with
    what an earlier one left; None: only this call may."""

    @property
    def partial(self) -> Path:
        """Where the bytes gather."""
        key = hashlib.sha256((self.identity or "unknown").encode()).hexdigest()[:12]
        return self.target.with_name(f".{self.target.name}.{key}.part")


def download(file: Download, progress: Progress) -> str:
    """Fetch a file, atomically, and return its SHA-256.

    A connection that breaks is taken up where it broke off, and so is one whose process died. A
    file that does not have the promised hash never takes its place.

    Raises:
        WeightsError: the server cannot be reached or refuses, the disk is too small, or the bytes
            are not those that the hash promises.
        OSError: the file cannot be written.
    """
    partial = file.partial
    partial.parent.mkdir(parents=True, exist_ok=True)
    if file.identity is None:
        partial.unlink(missing_ok=True)
    was_kept = partial.exists()
    digest = _gather(file, progress)
    if file.sha256 not in (None, digest) and was_kept:  # once more, all from the server
        partial.unlink()
        digest = _gather(file, progress)
    if file.sha256 not in (None, digest):
        partial.unlink()
        raise WeightsError(
            f"{file.name}: {file.url} has SHA-256 {digest}, but {file.sha256} was expected: "
            "it was damaged on its way or replaced, and nothing was kept; try again later"
        )
    put_in_place(partial, file.target)
    return digest


def _gather(file: Download, progress: Progress) -> str:
    """Fill the partial file over as many connections as it takes; return its hash."""
    import httpx  # here, not above: `import ezrvc_device` stays light

    transfer = _Transfer(file, progress)
    failures = 0
    with httpx.Client(follow_redirects=True, timeout=httpx.Timeout(30, connect=10)) as client:
        while True:
            size_before = transfer.size
            try:
                if transfer.run(client):
                    return transfer.hash.hexdigest()
                reason = "the answer was shorter than announced"
            except (httpx.TransportError, _PassingError) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
            except httpx.HTTPError as error:
                raise WeightsError(f"{file.name}: {file.url}: {error}") from error
            failures = 1 if transfer.size > size_before else failures + 1
            if failures >= ATTEMPTS:
                raise WeightsError(
                    f"{file.name}: {file.url} cannot be fetched ({reason}): "
                    "check the connection and run the same command again, "
                    f"or put the file at {file.target}"
                )
            time.sleep(FIRST_PAUSE_S * 2 ** (failures - 1))


class _PassingError(Exception):
    """An answer that another attempt may better."""


class _Transfer:
    """The bytes so far, their hash, and the way to get the rest."""

    def __init__(self, file: Download, progress: Progress) -> None:
        self.file = file
        self.progress = progress
        self.hash = hashlib.sha256()
        self.size = 0
        self.tag: str | None = None  # the server's name for the version the bytes belong to
        if file.partial.exists():
            with file.partial.open("rb") as kept:
                while chunk := kept.read(_CHUNK_BYTES):
                    self.hash.update(chunk)
                    self.size += len(chunk)

    def run(self, client: "httpx.Client") -> bool:
        """Use one connection; return whether the file is complete now."""
        if self.file.identity is None and self.tag is None:
            self._restart()
        headers = {**self.file.headers, "Accept-Encoding": "identity"}
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self.tag is not None:
                headers["If-Range"] = self.tag
        with client.stream("GET", self.file.url, headers=headers) as response:
            if response.status_code == 416:  # nothing follows what is there
                if _total(response) == self.size:
                    return True
                self._restart()
                return False
            _check_status(response, self.file)
            total = self._begin(response)
            with self.file.partial.open("ab") as partial:
                for chunk in response.iter_bytes():
                    partial.write(chunk)
                    self.hash.update(chunk)
                    self.size += len(chunk)
                    self.progress(f"fetch {self.file.name}", self.size, total)
        return total is None or self.size == total

    def _begin(self, response: "httpx.Response") -> int | None:
        """Settle where the answer's bytes go; return the whole file's size if it is known."""
        if response.status_code != 206:
            self._restart()
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {self.size}-"):
            self._restart()
            raise _PassingError("the server sent another part than was asked for")
        tag = response.headers.get("ETag", "")
        self.tag = tag if tag.startswith('"') else None  # a weak tag does not name exact bytes
        total = _total(response)
        if total is not None and total - self.size > free_disk(self.file.partial.parent):
            raise WeightsError(
                f"{self.file.name}: {math.ceil((total - self.size) / 1e6)} MB do not fit on the "
                f"disk of {self.file.target.parent}: free some space or set EZRVC_HOME to "
                "another folder"
            )
        return total

    def _restart(self) -> None:
        self.file.partial.unlink(missing_ok=True)
        self.hash, self.size = hashlib.sha256(), 0


def _total(response: "httpx.Response") -> int | None:
    """Size of the whole file, whichever part of it this answer brings."""
    if response.status_code in (206, 416):
        size = response.headers.get("Content-Range", "").rpartition("/")[2]
    elif "Content-Encoding" in response.headers:
        return None
    else:
        size = response.headers.get("Content-Length", "")
    return int(size) if size.isdecimal() else None


def _check_status(response: "httpx.Response", file: Download) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status in PASSING_STATUS:
        raise _PassingError(f"the server answers {status}")
    if status in _REFUSING_STATUS:
        raise WeightsError(
            f"{file.name}: {file.url} refuses access ({status}): accept its terms on its page "
            "and log in with `hf auth login`"
        )
    raise WeightsError(
        f"{file.name}: {file.url} does not have the file ({status}): "
        "check the address, or fetch the file by hand and name it in the configuration"
    )
