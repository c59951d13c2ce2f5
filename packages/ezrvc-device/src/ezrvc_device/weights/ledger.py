"""What has been fetched, remembered: hashes and commits that later fetches are held to."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from ezrvc_device.atomic import write_text
from ezrvc_device.errors import WeightsError

_FORMAT = 1


@dataclass(frozen=True)
class Ledger:
    """A JSON file beside the cached weights, safe to use from several processes at once.

    For each cached file it keeps the SHA-256 first seen, and the size and time of the copy that
    was last checked, so that a file is hashed once and not at every start. For each Hub repository
    asked for without a pinned revision it keeps the commit first seen.
    """

    folder: Path
    """The weights folder; names in the ledger are relative to it."""

    @property
    def path(self) -> Path:
        """The ledger's file."""
        return self.folder / "ledger.json"

    def sha256_of(self, file: Path) -> str | None:
        """The hash first seen at this place; None: nothing was seen there yet."""
        record = self._record(file)
        return None if record is None else str(record["sha256"])

    def is_checked(self, file: Path) -> bool:
        """Whether the file is, by size and time, the one whose hash is on record."""
        record = self._record(file)
        if record is None:
            return False
        status = file.stat()
        return (record["size"], record["modified_s"]) == (status.st_size, int(status.st_mtime))

    def record_file(self, file: Path, sha256: str) -> None:
        """Remember the hash of a file that now lies at its place."""
        status = file.stat()
        record = {
            "sha256": sha256,
            "size": status.st_size,
            "modified_s": int(status.st_mtime),  # container images keep whole seconds only
            "first_seen": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with self._changing() as content:
            known = content["files"].get(self._key(file))
            if known is not None:
                record["first_seen"] = known["first_seen"]
            content["files"][self._key(file)] = record

    def commit_of(self, repository: str) -> str | None:
        """The commit a repository without pinned revision is held to; None: not seen yet."""
        commit = self._read()["commits"].get(repository)
        return None if commit is None else str(commit)

    def record_commit(self, repository: str, commit: str) -> str:
        """Remember a repository's commit, unless one is on record; return the one that holds."""
        with self._changing() as content:
            return str(content["commits"].setdefault(repository, commit))

    def _key(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()

    def _record(self, file: Path) -> dict[str, Any] | None:
        return self._read()["files"].get(self._key(file))

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"files": {}, "commits": {}}
        except (OSError, ValueError) as error:
            raise WeightsError(f"{self.path} cannot be read ({error}): delete it") from error
        if not isinstance(content, dict) or cast(dict[str, Any], content).get("format") != _FORMAT:
            raise WeightsError(f"{self.path} is not a ledger of format {_FORMAT}: delete it")
        return cast("dict[str, dict[str, Any]]", content)

    @contextmanager
    def _changing(self) -> Generator[dict[str, dict[str, Any]]]:
        with file_lock(self.path):
            content = self._read()
            yield content
            text = json.dumps({**content, "format": _FORMAT}, indent=1, sort_keys=True)
            write_text(self.path, text + "\n")


@contextmanager
def file_lock(path: Path) -> Generator[None]:
    """Hold the lock that belongs to `path`; other processes that want it wait."""
    from huggingface_hub.utils import WeakFileLock  # here, not above: imports stay light

    path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(path.with_name(f".{path.name}.lock")):
        yield
