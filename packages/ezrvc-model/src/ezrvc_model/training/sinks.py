"""Where metrics are kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from torch.utils.tensorboard import SummaryWriter

from ezrvc_device.atomic import write_text


class MetricSink(Protocol):
    """Keeps metrics of a run."""

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Keep the metrics of a step.

        Raises:
            OSError: they cannot be written.
        """
        ...

    def close(self) -> None:
        """Write what is still held back."""
        ...


class JsonLinesSink:
    """Metrics as one JSON object a line: `{"step": 20, "generator/mel": 1.2, …}`.

    Args:
        path: the file; lines of later steps than `after` and torn lines are removed from it.
        after: the step that the run continues from.
    """

    def __init__(self, path: Path, after: int = 0) -> None:
        kept = [row for row in read_metrics(path) if row["step"] <= after]
        write_text(path, "".join(json.dumps(row) + "\n" for row in kept))
        self._path = path

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append a line."""
        with self._path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps({"step": step, **metrics}) + "\n")

    def close(self) -> None:
        """Nothing is held back."""


class TensorBoardSink:
    """Metrics as TensorBoard events.

    Args:
        folder: of the event files; a new one is begun at each start.
        after: the step that the run continues from; TensorBoard hides what came later before.
    """

    def __init__(self, folder: Path, after: int = 0) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=after + 1 if after else None)

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add one point to each metric's curve."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is still held back."""
        self._writer.close()


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The lines of a metrics file, without a torn last one; none when there is no file."""
    if not path.is_file():
        return []
    rows: list[dict[str, float]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue  # torn by a process that was killed while writing it
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows
