"""A stand-in for the Hugging Face Hub and for any file server, for tests without a network."""

import hashlib
import json
import re
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import unquote

_RESOLVE = re.compile(r"^/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)$")
_LISTING = re.compile(r"^/api/models/(?P<repository>[^/]+/[^/]+)(/revision/(?P<revision>.+))?$")


@dataclass(frozen=True)
class SeenRequest:
    """One request that the stand-in answered."""

    method: str
    path: str
    first_byte: int
    """Where the asked range begins; 0: the whole file."""


@dataclass
class _Repository:
    head: str
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict[str, dict[str, bytes]])
    is_gated: bool = False


class StandInHub:
    """Serves repositories as the Hub does, and plain files, from a thread of this process.

    Use it as a context manager and set HF_ENDPOINT to `url`. Files of 1000 bytes or more are
    treated as the Hub treats large ones: a redirect, and a SHA-256 as their tag.

    Attributes:
        seen: every request so far.
        cut_after: bytes of a body after which the connection breaks, one for each coming body.
        statuses: answers to give instead of files, one for each coming request.
    """

    def __init__(self) -> None:
        self.seen: list[SeenRequest] = []
        self.cut_after: list[int] = []
        self.statuses: list[int] = []
        self._repositories: dict[str, _Repository] = {}
        self._files: dict[str, bytes] = {}
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Where the stand-in listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def commit(self, repository: str, files: dict[str, bytes], *, is_gated: bool = False) -> str:
        """Add a commit to a repository, made from these files; return its hash."""
        text = repr((repository, sorted(files.items()), len(self._repositories)))
        commit = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        known = self._repositories.setdefault(repository, _Repository(commit))
        known.head, known.is_gated = commit, is_gated
        known.commits[commit] = dict(files)
        return commit

    def tamper(self, repository: str, commit: str, file: str, content: bytes) -> None:
        """Change a file behind a commit's back, which the real Hub cannot."""
        self._repositories[repository].commits[commit][file] = content

    def put(self, path: str, content: bytes) -> str:
        """Serve a plain file; return its address."""
        self._files[path] = content
        return f"{self.url}/{path}"

    def find(self, path: str) -> "_Found | str":
        """What lies at a path; a Hub error code if nothing does."""
        plain = self._files.get(path.removeprefix("/"))
        if plain is not None:
            return _Found(plain, hashlib.sha256(plain).hexdigest(), None)
        match = _LISTING.match(path) or _RESOLVE.match(path)
        repository = self._repositories.get(match["repository"]) if match else None
        if match is None or repository is None:
            return "RepoNotFound"
        if repository.is_gated:
            return "GatedRepo"
        asked = match["revision"] or "main"
        commit = repository.head if asked == "main" else asked
        if commit not in repository.commits:
            return "RevisionNotFound"
        if match.re is _LISTING:
            files = [{"rfilename": file} for file in sorted(repository.commits[commit])]
            told = {"id": match["repository"], "sha": commit, "siblings": files}
            return _Found(json.dumps(told).encode(), commit, None)
        content = repository.commits[commit].get(match["file"])
        if content is None:
            return "EntryNotFound"
        if len(content) >= 1000:
            return _Found(content, hashlib.sha256(content).hexdigest(), commit)
        git_object = b"blob %d\0" % len(content) + content
        tag = hashlib.sha1(git_object, usedforsecurity=False).hexdigest()
        return _Found(content, tag, commit)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass(frozen=True)
class _Found:
    content: bytes
    tag: str
    commit: str | None
    """None: a plain file, not one of the Hub."""

    @property
    def is_large(self) -> bool:
        return self.commit is not None and len(self.content) >= 1000


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up, which some tests want."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(self.path.partition("?")[0])
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first_byte = int(asked[1]) if asked else 0
        self.hub.seen.append(SeenRequest(self.command, path, first_byte))
        if self.hub.statuses:
            self._send(self.hub.statuses.pop(0), {})
            return
        is_storage = path.startswith("/storage/")
        found = self.hub.find(path.removeprefix("/storage") if is_storage else path)
        if isinstance(found, str):
            status = 403 if found == "GatedRepo" else 404
            self._send(status, {"X-Error-Code": found, "X-Error-Message": found})
        elif found.is_large and not is_storage:
            self._send(
                302, self._hub_headers(found) | {"Location": f"{self.hub.url}/storage{path}"}
            )
        else:
            self._send_file(found, first_byte, with_body=with_body)

    def _send_file(self, found: _Found, first_byte: int, *, with_body: bool) -> None:
        tag, size = f'"{found.tag}"', len(found.content)
        headers = self._hub_headers(found) | {"ETag": tag, "Accept-Ranges": "bytes"}
        if first_byte >= size > 0:
            self._send(416, {"Content-Range": f"bytes */{size}"})
            return
        if self.headers.get("If-Range", tag) != tag:
            first_byte = 0
        body = found.content[first_byte:]
        if first_byte:
            headers["Content-Range"] = f"bytes {first_byte}-{size - 1}/{size}"
        self._send(206 if first_byte else 200, headers, body, with_body=with_body)

    def _hub_headers(self, found: _Found) -> dict[str, str]:
        if found.commit is None:
            return {}
        headers = {"X-Repo-Commit": found.commit}
        if found.is_large:
            headers["X-Linked-Etag"] = f'"{found.tag}"'
            headers["X-Linked-Size"] = str(len(found.content))
        return headers

    def _send(
        self, status: int, headers: dict[str, str], body: bytes = b"", *, with_body: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not with_body or not body:
            return
        if self.hub.cut_after:
            self.wfile.write(body[: self.hub.cut_after.pop(0)])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            self.wfile.write(body)


def _handler_for(hub: StandInHub) -> type[_Handler]:
    return cast(type[_Handler], type("_HubHandler", (_Handler,), {"hub": hub}))
