"""Metrics in TensorBoard, MLflow and W&B, read back from what these wrote."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import small_config
from ezrvc_model.training import train
from ezrvc_model.training.loggers import open_sinks
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.sinks import read_metrics


def settings(*loggers: str, **changes: object) -> TrainConfig:
    return TrainConfig.model_validate({"loggers": loggers, **changes})


def log(run: RunFolder, chosen: TrainConfig, after: int, *rows: tuple[int, float]) -> None:
    with open_sinks(run, chosen, after) as sinks:
        for step, value in rows:
            for sink in sinks:
                sink.write(step, {"generator/mel": value})


def test_without_loggers_the_metrics_file_stays(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "ada")
    log(run, settings(), 0, (1, 2.0))
    assert read_metrics(run.metrics) == [{"step": 1, "generator/mel": 2.0}]
    assert [path.name for path in run.root.iterdir()] == ["metrics.jsonl"]


@pytest.mark.parametrize(("name", "module"), [("mlflow", "mlflow.entities"), ("wandb", "wandb")])
def test_a_logger_that_is_not_installed_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with (
        pytest.raises(ModelError, match=rf"names {name}, .* pip install 'ezrvc-model\[{name}\]'"),
        open_sinks(RunFolder(tmp_path / "ada"), settings(name), 0),
    ):
        pass


def test_mlflow_keeps_one_run_in_sqlite_over_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = RunFolder(tmp_path / "models" / "ada")
    chosen = settings("mlflow", batch_size=3)
    log(run, chosen, 0, (10, 2.0), (20, 1.5))
    log(run, chosen, 20, (30, 1.25))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")

    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'models' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("ezrvc")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(found.info.run_id, "generator/mel")
    assert [(point.step, point.value) for point in history] == [(10, 2.0), (20, 1.5), (30, 1.25)]
    assert (found.info.run_name, found.info.status) == ("ada", "FINISHED")
    assert found.data.params["batch_size"] == "3"
    log(run, chosen, 0, (10, 3.0))
    assert len(client.search_runs([experiment.experiment_id])) == 2


def test_wandb_keeps_an_offline_run_over_a_resume(
    make_experiment: Callable[..., ExperimentFolder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    run = tmp_path / "ada"
    experiment = make_experiment()
    for steps in (2, 3):
        chosen = settings(
            "tensorboard", "wandb", max_steps=steps, batch_size=2, segment_frames=8,
            max_clip_frames=24, log_every=1, validation_clips=0,
            discriminator=DiscriminatorConfig(periods=(2,), narrowing=64),
        )  # fmt: skip
        train(experiment, run, small_config(), chosen, FeatureConfig(encoder="mel"), device="cpu")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    files = sorted(run.glob("wandb/offline-run-*/run-*.wandb"))
    assert len(files) == 2
    assert len({file.name for file in files}) == 1  # `wandb sync` joins them by their name
    logged = {row["_step"]: row["generator/mel"] for file in files for row in offline_history(file)}
    expected = {row["step"]: row["generator/mel"] for row in read_metrics(run / "metrics.jsonl")}
    assert logged == pytest.approx(expected)
    assert list(logged) == [1, 2, 3]


def offline_history(path: Path) -> list[dict[str, float]]:
    """The logged rows of an offline W&B run.

    The file is LevelDB's log format: blocks of 32 KiB after a header of 7 bytes; each piece of a
    record has a checksum (4 bytes), a length (2) and whether it is whole, first, middle or last.
    """
    import json

    from wandb.proto import wandb_internal_pb2

    content = path.read_bytes()
    block, place, parts, rows = 32768, 7, b"", []
    while place + 7 <= len(content):
        if block - place % block < 7:
            place += block - place % block
            continue
        length = int.from_bytes(content[place + 4 : place + 6], "little")
        kind = content[place + 6]
        if kind == 0:
            break
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()  # pyright: ignore[reportAttributeAccessIssue]
            record.ParseFromString(parts)
            parts = b""
            if record.WhichOneof("record_type") == "history":
                items = record.history.item
                rows.append(
                    {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}
                )
    return rows
