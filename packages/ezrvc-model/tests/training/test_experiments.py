"""Which experiment is trained when none is named."""

import json
from pathlib import Path

import pytest

from ezrvc_model.errors import ModelError
from ezrvc_model.training.experiments import newest_experiment, prepared_experiments


def prepare(processed: Path, name: str, finished: str) -> None:
    (processed / name).mkdir(parents=True)
    record = json.dumps({"finished": finished})
    (processed / name / "prepared.json").write_text(record, encoding="utf-8")


def test_newest_goes_by_the_recorded_time_not_by_name_or_file(tmp_path: Path) -> None:
    prepare(tmp_path, "b", "2026-03-02T10:00:00+00:00")
    prepare(tmp_path, "c", "2026-03-01T10:00:00+00:00")
    prepare(tmp_path, "a", "2026-03-01T12:00:00+00:00")
    (tmp_path / "unfinished").mkdir()
    assert newest_experiment(tmp_path).name == "b"
    assert [each.name for each in prepared_experiments(tmp_path)] == ["b", "a", "c"]


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_none_prepared_says_what_to_run(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="ezrvc preprocess --speaker"):
        newest_experiment(tmp_path / folder)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"finished": "yesterday"}'])
def test_a_broken_record_is_named(tmp_path: Path, text: str) -> None:
    prepare(tmp_path, "a", "2026-03-01T10:00:00+00:00")
    (tmp_path / "a" / "prepared.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"prepared\.json: does not say when"):
        newest_experiment(tmp_path)
