"""Metrics on their way from the device to the log, and the guard that they are numbers."""

import math
from collections.abc import Mapping

import torch

from ezrvc_model.training.not_finite import NotFiniteError

Metrics = Mapping[str, torch.Tensor]
"""Flat `group/name` scalars of one step, still on the device."""


class MetricWindow:
    """Collects the metrics of the steps between two log lines.

    Values stay on the device until `settle` brings all of them over at once, so that a step never
    waits for the device.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Metrics]] = []
        self._settled: list[dict[str, float]] = []

    def add(self, step: int, metrics: Metrics) -> None:
        """Take the metrics of a step."""
        self._waiting.append((step, metrics))

    def settle(self) -> None:
        """Bring waiting values over and check them.

        Raises:
            NotFiniteError: a value is NaN or infinite; names the first such step and its values.
        """
        if not self._waiting:
            return
        scalars = [value.detach().float() for _, each in self._waiting for value in each.values()]
        numbers = iter(torch.stack(scalars).tolist())
        for step, metrics in self._waiting:
            values = {name: next(numbers) for name in metrics}
            bad = {name: value for name, value in values.items() if not math.isfinite(value)}
            if bad:
                raise NotFiniteError(step, bad)
            self._settled.append(values)
        self._waiting.clear()

    def mean(self) -> dict[str, float]:
        """The mean of each metric over the window, which then begins anew."""
        self.settle()
        names = {name: None for values in self._settled for name in values}
        means: dict[str, float] = {}
        for name in names:
            present = [values[name] for values in self._settled if name in values]
            means[name] = math.fsum(present) / len(present)
        self._settled.clear()
        return means
