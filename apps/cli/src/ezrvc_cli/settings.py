"""One configuration of the whole: the packages' sections, composed, and the way it is read."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ezrvc_audio.config import PreparationConfig
from ezrvc_device.configuration import Section, load_yaml, merge, parse_overrides
from ezrvc_device.errors import ConfigurationError
from ezrvc_features.config import FeatureConfig
from ezrvc_features.content.registry import encoder_dim
from ezrvc_features.retrieval import RetrievalConfig
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.presets import load_preset


class ProjectConfig(Section):
    """Every setting of one experiment, a section a package."""

    audio: PreparationConfig = PreparationConfig()
    features: FeatureConfig = FeatureConfig()
    model: SynthesizerConfig = SynthesizerConfig()
    train: TrainConfig = TrainConfig()
    retrieval: RetrievalConfig = RetrievalConfig()


def compose(
    *,
    preset: str | None = None,
    base: Mapping[str, Any] | None = None,
    config_file: str | None = None,
    assignments: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
) -> ProjectConfig:
    """Preset or base, then the user's file, then `--set`, then the command's own options.

    The content width of the model follows from the encoder unless it is given; given, it must
    agree.

    Raises:
        ConfigurationError: an unknown key (with the nearest right one) or a value not allowed.
    """
    below = dict(base) if base is not None else load_preset(preset) if preset else {}
    file_tree = load_yaml(Path(config_file)) if config_file else {}
    above = merge(file_tree, parse_overrides(assignments), options or {})
    if config_file:
        ProjectConfig.from_tree(merge(below, file_tree), source=config_file)
    tree = merge(below, above)
    config = ProjectConfig.from_tree(tree, source="--set" if assignments else "configuration")
    return _with_content_width(config, tree, asked=_section(above, "model").get("content_dim"))


def _with_content_width(
    config: ProjectConfig, tree: Mapping[str, Any], *, asked: int | None
) -> ProjectConfig:
    width = encoder_dim(config.features.encoder, config.features.encoder_weights)
    if asked is not None and asked != width:
        raise ConfigurationError(
            f"model.content_dim = {asked}, but the encoder {config.features.encoder!r} gives "
            f"{width}; leave model.content_dim out"
        )
    return ProjectConfig.from_tree(merge(tree, {"model": {"content_dim": width}}))


def _section(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = tree.get(name, {})
    return section if isinstance(section, Mapping) else {}
