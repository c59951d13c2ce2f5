"""How long work reports how far it is; libraries never draw, the application does."""

from typing import Protocol


class Progress(Protocol):
    """A callable that is told how far a step has come.

    Libraries call it often and cheaply; what it does (a bar, a log line, nothing) is the caller's.
    """

    def __call__(self, step: str, completed: float, total: float | None = None) -> None:
        """Report that `completed` of `total` (None: not known) of the named step is done."""
        ...


def silent(step: str, completed: float, total: float | None = None) -> None:
    """The default progress: say nothing."""
