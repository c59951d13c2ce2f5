"""A run keeps the configuration it began with."""

from pathlib import Path

import pytest

from ezrvc_device.configuration import load_yaml
from ezrvc_features.config import FeatureConfig
from ezrvc_features.retrieval import RetrievalConfig
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.training.run_folder import RunFolder, check_unchanged, fixed_settings

SPEAKERS = {"ada": 0}


def test_same_settings_may_continue() -> None:
    saved = fixed_settings(SynthesizerConfig(), TrainConfig(), FeatureConfig(), SPEAKERS)
    asked = fixed_settings(
        SynthesizerConfig(), TrainConfig(), FeatureConfig(cache_spectrogram=False), SPEAKERS
    )
    check_unchanged(Path("run"), saved, asked)


def test_each_difference_is_said_with_both_values() -> None:
    saved = fixed_settings(SynthesizerConfig(), TrainConfig(), FeatureConfig(), SPEAKERS)
    other = SynthesizerConfig(hidden_channels=96)
    asked = fixed_settings(
        other, TrainConfig(), FeatureConfig(encoder="hubert-soft"), {"ada": 0, "bo": 1}
    )
    with pytest.raises(ModelError) as caught:
        check_unchanged(Path("models/ada"), saved, asked)
    message = str(caught.value)
    assert "models/ada" in message
    assert "model.hidden_channels is 192, asked 96" in message
    assert "features.encoder is 'soft-units', asked 'hubert-soft'" in message
    assert "speakers.bo is None, asked 1" in message
    assert "new run name" in message
    assert "\n" not in message


def test_config_is_written_whole(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.save_config(
        SynthesizerConfig(), TrainConfig(max_steps=7), FeatureConfig(), RetrievalConfig()
    )
    tree = load_yaml(run.config)
    assert SynthesizerConfig.from_tree(tree["model"]) == SynthesizerConfig()
    assert TrainConfig.from_tree(tree["train"]).max_steps == 7
    assert FeatureConfig.from_tree(tree["features"]) == FeatureConfig()
