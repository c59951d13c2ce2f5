"""Opening the sinks that a run's settings ask for."""

import contextlib
from collections.abc import Callable, Generator, Mapping
from typing import Any

from ezrvc_model.config import TrainConfig
from ezrvc_model.training.mlflow_sink import MLflowSink
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.sinks import JsonLinesSink, MetricSink, TensorBoardSink
from ezrvc_model.training.wandb_sink import WandbSink

_Opener = Callable[[RunFolder, int, Mapping[str, Any]], MetricSink]

_OPENERS: dict[str, _Opener] = {
    "tensorboard": lambda run, after, _: TensorBoardSink(run.tensorboard, after),
    "mlflow": lambda run, after, parameters: MLflowSink(run.root, after, parameters),
    "wandb": lambda run, after, parameters: WandbSink(run.root, after, parameters),
}


@contextlib.contextmanager
def open_sinks(
    run: RunFolder, settings: TrainConfig, after: int
) -> Generator[tuple[MetricSink, ...]]:
    """Keep metrics in `metrics.jsonl` and wherever `settings.loggers` says; closed at the end.

    Args:
        run: where they go.
        settings: of the run.
        after: the step that the run continues from.

    Raises:
        ModelError: a logger that is asked for is not installed.
        OSError: they cannot be written.
    """
    parameters = settings.to_tree()
    with contextlib.ExitStack() as stack:
        sinks: list[MetricSink] = [JsonLinesSink(run.metrics, after)]
        for name in dict.fromkeys(settings.loggers):
            sink = _OPENERS[name](run, after, parameters)
            stack.callback(sink.close)
            sinks.append(sink)
        yield tuple(sinks)
