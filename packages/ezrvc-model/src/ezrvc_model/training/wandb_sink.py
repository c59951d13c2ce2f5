"""Metrics for Weights & Biases, kept in files until somebody sends them."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ezrvc_device.atomic import write_text
from ezrvc_model.errors import ModelError

PROJECT = "ezrvc"
_ID_NAME = "id.txt"


class WandbSink:
    """Metrics as curves of one W&B run; a resumed run goes on with it.

    Nothing is sent: the files lie in the run's `wandb/`, and `wandb sync` sends them. With the
    variable WANDB_MODE=online they are sent as they come.

    Args:
        run: the run's folder.
        after: the step that the run continues from; 0: a new one.
        parameters: settings of the run, shown beside its curves.

    Raises:
        ModelError: W&B is not installed.
        OSError: the files cannot be written.
    """

    def __init__(self, run: Path, after: int, parameters: Mapping[str, Any]) -> None:
        try:
            import wandb
        except ImportError as error:
            raise ModelError(
                "train.loggers names wandb, which is not installed; run: "
                "pip install 'ezrvc-model[wandb]'"
            ) from error
        self._run = wandb.init(
            project=PROJECT,
            dir=str(run),
            id=_identity(run / "wandb" / _ID_NAME, new=not after),
            name=run.name,
            config=dict(parameters),
            resume="allow",
            mode="online" if os.environ.get("WANDB_MODE") == "online" else "offline",
            reinit="create_new",
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                disable_code=True,
                x_disable_stats=True,
                x_disable_meta=True,
            ),
        )

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add one point to each metric's curve."""
        self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        """Write what is still held back."""
        self._run.finish()


def _identity(path: Path, *, new: bool) -> str:
    """What W&B knows the run by: kept in the run's folder, made anew for a new run."""
    if new or not path.is_file():
        write_text(path, uuid.uuid4().hex[:8])
    return path.read_text(encoding="utf-8").strip()
