"""Asking the Hugging Face Hub where a file is and which bytes it must have.

The asking is huggingface_hub's: tokens, mirrors (HF_ENDPOINT), gated repositories. The bytes are
fetched by `download`, because hf_hub_download begins again when its process dies and does not
check what it got against the file's hash.
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from ezrvc_device.errors import WeightsError
from ezrvc_device.weights.download import ATTEMPTS, FIRST_PAUSE_S, PASSING_STATUS
from ezrvc_device.weights.spec import HubSource

_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_DEFAULT_BRANCH = "main"


@dataclass(frozen=True)
class HubFile:
    """A file of the Hub at one commit."""

    url: str
    headers: dict[str, str]
    """Who asks, with the user's token if there is one."""
    commit: str
    tag: str
    """The Hub's name for these bytes."""
    sha256: str | None
    """Of large files; the Hub keeps only a git hash of small ones."""


@dataclass(frozen=True)
class HubListing:
    """What a repository of the Hub holds at one commit."""

    repository: str
    """`owner/name`."""
    commit: str
    files: tuple[str, ...]
    """Paths in the repository, with `/`, sorted."""


def list_files(repository: str, revision: str | None = None) -> HubListing:
    """Ask the Hub what a model repository holds.

    Args:
        repository: `owner/name`.
        revision: a commit, branch or tag; None: the newest.

    Raises:
        WeightsError: no such repository or revision; no access; no connection.
    """
    from huggingface_hub import HfApi, constants

    endpoint = _endpoint()
    place = f"Hub repository {repository}{f' at {revision}' if revision else ''}"
    page = f"{endpoint or constants.ENDPOINT}/{repository}"
    api: Any = HfApi(endpoint=endpoint)
    found = _insist(
        lambda: api.model_info(repository, revision=revision),
        lambda error: _explain(repository, place, page, None, error),
    )
    files = [str(sibling.rfilename) for sibling in found.siblings or ()]
    if found.sha is None:
        raise WeightsError(
            f"{repository}: {page} does not answer like a Hugging Face Hub: check HF_ENDPOINT"
        )
    return HubListing(repository, found.sha, tuple(sorted(files)))


def locate(name: str, source: HubSource, commit: str | None, *, target: Path) -> HubFile:
    """Ask the Hub for a file.

    Args:
        name: what messages call the weights.
        source: repository and file.
        commit: which one; None: the newest.
        target: where the file will be kept; messages say it.

    Raises:
        WeightsError: no such repository, commit or file; no access; no connection.
    """
    import huggingface_hub  # here, not above: `import ezrvc_device` stays light
    from huggingface_hub import utils

    endpoint = _endpoint()
    url_of = huggingface_hub.hf_hub_url
    url = url_of(
        source.repository, source.file, revision=commit or _DEFAULT_BRANCH, endpoint=endpoint
    )
    metadata = _insist(
        lambda: cast(Any, huggingface_hub).get_hf_file_metadata(url, endpoint=endpoint),
        lambda error: _explain(name, str(source), url, target, error),
    )
    if metadata.commit_hash is None or metadata.etag is None:
        raise WeightsError(
            f"{name}: {url} does not answer like a Hugging Face Hub: check HF_ENDPOINT"
        )
    return HubFile(
        url=url_of(
            source.repository, source.file, revision=metadata.commit_hash, endpoint=endpoint
        ),
        headers=cast(Any, utils).build_hf_headers(),
        commit=metadata.commit_hash,
        tag=metadata.etag,
        sha256=metadata.etag if _SHA256.match(metadata.etag) else None,
    )


def _endpoint() -> str | None:
    """The mirror to ask; None: the Hub itself."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def _insist(ask: Callable[[], Any], explain: Callable[[Exception], NoReturn]) -> Any:
    """Ask the Hub, modestly insisting."""
    from huggingface_hub.errors import HfHubHTTPError

    # huggingface_hub 1 stands on httpx, 2 on httpx2; both call the root of their errors HTTPError.
    http_error: type[Exception] = HfHubHTTPError.__bases__[0]
    attempt = 1
    while True:
        try:
            return ask()
        except (http_error, OSError) as error:
            status = _status(error)
            is_passing = status is None or status in PASSING_STATUS
            if attempt == ATTEMPTS or not is_passing:
                explain(error)
        time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
        attempt += 1


def _status(error: Exception) -> int | None:
    response: Any = getattr(error, "response", None)
    return None if response is None else int(response.status_code)


def _explain(name: str, place: str, url: str, target: Path | None, error: Exception) -> NoReturn:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    status = _status(error)
    page = url.partition("/resolve/")[0]
    if isinstance(error, GatedRepoError):
        advice = f"is gated: accept its terms at {page}, then log in with `hf auth login`"
    elif isinstance(error, RepositoryNotFoundError) or status in (401, 403):
        advice = "is not there or private: check the name, or log in with `hf auth login`"
    elif status == 404:
        advice = f"is not there ({url})"
    elif status is not None:
        advice = f"cannot be had now, the Hub answers {status} ({url}): try again later"
    else:
        reason = " ".join(str(error).split()) or type(error).__name__
        otherwise = "" if target is None else f", or put the file at {target}"
        advice = (
            f"cannot be reached at {url} ({reason}): check the connection and try again{otherwise}"
        )
    raise WeightsError(f"{name}: {place} {advice}") from error
