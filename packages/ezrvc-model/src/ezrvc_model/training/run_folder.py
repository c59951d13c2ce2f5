"""Where one training run keeps its files, and what must stay the same while it lives."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ezrvc_device.configuration import save_yaml
from ezrvc_features.config import FeatureConfig
from ezrvc_features.retrieval import RetrievalConfig
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.training.bases.choosing import NOTHING
from ezrvc_model.voice_folder import EXPORT_NAME

_FREE_FEATURE_KEYS = {"cache_spectrogram"}
"""Feature settings that may change under a run: they change no value that training sees."""


@dataclass(frozen=True)
class RunFolder:
    """Names under `models/<run>`; says where things are, creates nothing."""

    root: Path

    @property
    def config(self) -> Path:
        """The whole configuration of the run, YAML, a section for each subject."""
        return self.root / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        """Saved training states: `step-00000800/` and so on."""
        return self.root / "checkpoints"

    @property
    def metrics(self) -> Path:
        """Losses, one JSON object a line."""
        return self.root / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """The same for TensorBoard."""
        return self.root / "tensorboard"

    @property
    def base_report(self) -> Path:
        """What became of every layer when the run started from a base, CSV."""
        return self.root / "base.csv"

    @property
    def running(self) -> Path:
        """There while a process trains the run; says which."""
        return self.root / "running.json"

    @property
    def validation(self) -> Path:
        """What validation made of held-out clips: `step-00000800/` and so on."""
        return self.root / "validation"

    @property
    def voice(self) -> Path:
        """The voice as exported last, ready to convert with."""
        return self.root / EXPORT_NAME

    def save_config(
        self,
        model: SynthesizerConfig,
        settings: TrainConfig,
        features: FeatureConfig,
        retrieval: RetrievalConfig,
    ) -> None:
        """Write down what the run was asked to do."""
        tree = {
            "model": model.to_tree(),
            "train": settings.to_tree(),
            "features": features.to_tree(),
            "retrieval": retrieval.to_tree(),
        }
        save_yaml(self.config, tree)


def fixed_settings(
    model: SynthesizerConfig,
    settings: TrainConfig,
    features: FeatureConfig,
    speakers: Mapping[str, int],
) -> dict[str, Any]:
    """What a run cannot change without becoming another one, as plain JSON values.

    Args:
        model: with a row of the speaker table for everybody.
        settings: settled, no base being `none`.
        features: what the experiment's features were made with.
        speakers: name to row of the speaker table.
    """
    base = None if settings.base == NOTHING else settings.base
    feature_tree = features.to_tree()
    kept = {key: value for key, value in feature_tree.items() if key not in _FREE_FEATURE_KEYS}
    return {
        "model": model.to_tree(),
        "train": {"discriminator": settings.discriminator.to_tree(), "base": base},
        "features": kept,
        "speakers": dict(speakers),
    }


def check_unchanged(run: Path, saved: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse to continue a run with other fixed settings than it began with.

    Raises:
        ModelError: says each key that differs, its value in the run and the one asked for.
    """
    before, now = _flat(saved), _flat(asked)
    different = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    if different:
        listed = "; ".join(
            f"{key} is {before.get(key)!r}, asked {now.get(key)!r}" for key in different
        )
        raise ModelError(
            f"{run}: this run began with another configuration ({listed}); "
            "choose a new run name, or go back to the run's own configuration"
        )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
