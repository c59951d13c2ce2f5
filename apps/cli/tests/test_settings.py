from pathlib import Path

import pytest

from ezrvc_cli.settings import compose
from ezrvc_device.errors import ConfigurationError


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("train: {batch_size: 3, learning_rate: 2e-4}\n", encoding="utf-8")
    config = compose(
        preset="tiny",
        config_file=str(file),
        assignments=["train.batch_size=5", "train.seed=7"],
        options={"train": {"seed": 8}},
    )
    assert config.train.learning_rate == 2e-4
    assert config.train.batch_size == 5
    assert config.train.seed == 8


def test_the_width_of_content_follows_from_the_encoder() -> None:
    assert compose(preset="tiny").model.content_dim == 64
    wide = compose(preset="tiny", options={"features": {"encoder": "contentvec768l12"}})
    assert wide.model.content_dim == 768


def test_a_width_that_the_encoder_does_not_give_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"content_dim = 256.*'soft-units' gives 64"):
        compose(preset="tiny", assignments=["model.content_dim=256"])


def test_an_error_names_the_file_it_stands_in(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("train: {batch_sise: 3}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"mine\.yaml: .*'batch_size'"):
        compose(preset="tiny", config_file=str(file))
