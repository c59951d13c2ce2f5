"""Which experiments are ready to be trained on."""

import json
from datetime import datetime
from pathlib import Path

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_model.errors import ModelError


def prepared_experiments(processed: Path) -> list[ExperimentFolder]:
    """The experiments below a folder whose preprocessing finished, the last finished first.

    Raises:
        ModelError: an experiment's record cannot be read.
    """
    if not processed.is_dir():
        return []
    folders = [ExperimentFolder(path) for path in sorted(processed.iterdir())]
    finished = [each for each in folders if each.completion.is_file()]
    return sorted(finished, key=_finishing_time, reverse=True)


def newest_experiment(processed: Path) -> ExperimentFolder:
    """The experiment whose preprocessing finished last, by its own record.

    Raises:
        ModelError: none is prepared, or a record cannot be read.
    """
    experiments = prepared_experiments(processed)
    if not experiments:
        raise ModelError(
            f"{processed}: no prepared experiment here; run: ezrvc preprocess --speaker NAME"
        )
    return experiments[0]


def _finishing_time(experiment: ExperimentFolder) -> datetime:
    path = experiment.completion
    try:
        return datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["finished"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: does not say when preprocessing finished ({error!r}); run preprocess again"
        ) from error
