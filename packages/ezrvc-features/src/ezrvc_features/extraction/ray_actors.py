"""Ray as the engine: the same work in Ray actors, on this machine or on a cluster.

Plain actors rather than Ray Data: a job is a few hundred bytes of description and its result is
files, so no block of data ever flows through Ray, and what Ray Data adds (blocks, a plan, an
object store for them) would only stand between. Every node must see the experiment's folder, and
the encoder's weights, under the same path.
"""

import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ezrvc_device.processors import limit_threads
from ezrvc_features.errors import FeatureError
from ezrvc_features.extraction.clip_extraction import ClipExtraction, ClipJob, Outcome

_OBJECT_STORE_BYTES = 80 * 2**20
"""About the least that Ray takes: only descriptions of jobs pass through."""
_ANSWER_S = 5.0
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # workers run this very interpreter
    "RAY_DEDUP_LOGS": "0",
}
_TOKEN = "RAY_AUTH_TOKEN"


class _Worker:
    """An actor: holds the models, loaded once."""

    def __init__(self, extraction: ClipExtraction) -> None:
        limit_threads(1)
        self._extraction = extraction

    def run(self, job: ClipJob) -> str | None:
        """See `ClipExtraction.run`."""
        return self._extraction.run(job)


def run_in_ray(
    extraction: ClipExtraction, jobs: Sequence[ClipJob], n_workers: int, address: str | None
) -> Generator[Outcome]:
    """Run jobs in Ray actors, one processor (or accelerator) each; outcomes as they come.

    Args:
        extraction: what is done with a clip.
        jobs: the clips.
        n_workers: actors.
        address: of a running cluster; None: Ray is started here, and shut down afterwards.

    Raises:
        FeatureError: Ray is not installed, the cluster cannot be reached, or an actor died.
    """
    ray = require_ray()
    with _connected(ray, n_workers, address):
        on_gpu = extraction.device.startswith("cuda")
        actor: Any = ray.remote(_Worker).options(num_cpus=1, num_gpus=1 if on_gpu else 0)
        shared = ray.put(extraction)
        actors = [actor.remote(shared) for _ in range(min(n_workers, len(jobs)))]
        waiting = iter(jobs)
        running: dict[Any, tuple[ClipJob, Any]] = {}
        for worker in actors:
            _give(worker, waiting, running)
        try:
            while running:
                (done,), _ = ray.wait(list(running), num_returns=1)
                job, worker = running.pop(done)
                yield job, ray.get(done)
                _give(worker, waiting, running)
        except ray.exceptions.RayError as error:
            raise FeatureError(
                f"a Ray worker died ({type(error).__name__}), most likely for want of memory; "
                "run again with fewer workers, what is finished is kept"
            ) from error


def require_ray() -> ModuleType:
    """Ray, if it is installed.

    Raises:
        FeatureError: it is not; says how to install it.
    """
    os.environ.update(_QUIET)  # read when Ray is imported
    try:
        import ray
    except ImportError as error:
        raise FeatureError(
            "the engine ray needs Ray: install it with pip install 'ezrvc-features[ray]'"
        ) from error
    return ray


def _give(worker: Any, waiting: Iterator[ClipJob], running: dict[Any, tuple[ClipJob, Any]]) -> None:
    job = next(waiting, None)
    if job is not None:
        running[worker.run.remote(job)] = (job, worker)


@contextmanager
def _connected(ray: Any, n_workers: int, address: str | None) -> Iterator[None]:
    """Ray, here or there, without dashboard, log lines or anything left behind."""
    quiet: dict[str, Any] = {
        "include_dashboard": None if address else False,
        "log_to_driver": False,
        "logging_level": logging.ERROR,
    }
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        if address is None:
            if not {_TOKEN, f"{_TOKEN}_PATH"} & os.environ.keys():
                os.environ[_TOKEN] = secrets.token_hex(32)  # else Ray leaves one in ~/.ray
            quiet |= {
                "address": "local",
                "num_cpus": n_workers,
                "object_store_memory": _OBJECT_STORE_BYTES,
                "_temp_dir": folder,
            }
        else:
            _require_answer(address)
            quiet |= {"address": address}
        try:
            ray.init(**quiet)
        except Exception as error:  # Ray raises plain ones where it cannot start
            where = address or "this machine"
            reason = " ".join(f"{error}".split())
            raise FeatureError(
                f"Ray cannot be used on {where}: {reason}{_advice(address)}"
            ) from error
        try:
            yield
        finally:
            ray.shutdown()


def _advice(address: str | None) -> str:
    """What may help where a cluster does not let anybody in; Ray gives no reason of its own."""
    if address is None or "RAY_AUTH_MODE" in os.environ:
        return ""
    return (
        "; if the cluster asks for a token, set RAY_AUTH_MODE=token, "
        f"and {_TOKEN} where this machine has none"
    )


def _require_answer(address: str) -> None:
    """Find out at once that nobody answers there: Ray itself tries for minutes.

    Raises:
        FeatureError: nobody answers; names the address.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", or a name that Ray knows how to read
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise FeatureError(
            f"no Ray cluster answers at {address}: {error}; start one with ray start --head, or "
            "leave the address out"
        ) from error
