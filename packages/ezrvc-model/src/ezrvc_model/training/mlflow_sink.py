"""Metrics for MLflow, in a SQLite file beside the runs unless a server is named."""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ezrvc_model.errors import ModelError

EXPERIMENT = "ezrvc"
DATABASE = "mlflow.db"
_RUN_TAG = "ezrvc.run"
_LONGEST_VALUE = 500


class MLflowSink:
    """Metrics as curves of one MLflow run; a resumed run goes on with it.

    They go to `mlflow.db` in the folder that holds the runs (`mlflow ui --backend-store-uri
    sqlite:///models/mlflow.db` shows them), or where the variable MLFLOW_TRACKING_URI says.

    Args:
        run: the run's folder.
        after: the step that the run continues from; 0: a new one.
        parameters: settings of the run, shown beside its curves.

    Raises:
        ModelError: MLflow is not installed.
    """

    def __init__(self, run: Path, after: int, parameters: Mapping[str, Any]) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when it is imported
        try:
            from mlflow.entities import Metric, Param
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise ModelError(
                "train.loggers names mlflow, which is not installed; run: "
                "pip install 'ezrvc-model[mlflow]'"
            ) from error
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._metric = Metric
        folder = run.parent.absolute()
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / DATABASE}"
        self._client = MlflowClient(tracking_uri=uri)
        found = self._client.get_experiment_by_name(EXPERIMENT)
        artifacts = (folder / "mlflow").as_uri()
        experiment: str = (
            found.experiment_id
            if found is not None
            else self._client.create_experiment(EXPERIMENT, artifact_location=artifacts)
        )
        self._id = self._run_before(experiment, run.name) if after else None
        if self._id is None:
            made = self._client.create_run(experiment, run_name=run.name, tags={_RUN_TAG: run.name})
            self._id = str(made.info.run_id)
            shown = [Param(name, str(value)[:_LONGEST_VALUE]) for name, value in parameters.items()]
            self._client.log_batch(self._id, params=shown)
        else:
            self._client.set_terminated(self._id, status="RUNNING")

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add one point to each metric's curve."""
        now_ms = int(time.time() * 1000)
        points = [self._metric(name, value, now_ms, step) for name, value in metrics.items()]
        assert self._id is not None
        self._client.log_batch(self._id, metrics=points)

    def close(self) -> None:
        """Say that nothing more comes for now."""
        assert self._id is not None
        self._client.set_terminated(self._id)

    def _run_before(self, experiment: str, name: str) -> str | None:
        """The newest MLflow run of this run's name."""
        found = self._client.search_runs(
            [experiment], f"tags.`{_RUN_TAG}` = '{name}'", max_results=1
        )
        return str(found[0].info.run_id) if found else None
