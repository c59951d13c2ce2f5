"""Stopping a run between two steps when the user or the machine asks for it."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME_REQUEST_S = 2.0
"""Signals this close together are one request: `uv run`, torchrun and Slurm pass on to a process
what it was sent already."""


class StopRequest:
    """While entered, Ctrl-C and SIGTERM set `requested` instead of ending the process at once.

    A second signal, a while later, acts as it would have without this. In threads other than the
    main one, where Python does not deliver signals, nothing is changed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._asked_s: float | None = None
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._previous[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if self._asked_s is None:
            self._asked_s, self.requested = now_s, True
        elif now_s - self._asked_s >= SAME_REQUEST_S:
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]
        self._previous.clear()
