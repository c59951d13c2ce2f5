"""Retrieval vectors of a voice, made of the content of an experiment."""

from ezrvc_cli.pipeline.train import choose_experiment, training_configuration
from ezrvc_device.progress import Progress, silent
from ezrvc_device.storage import Storage
from ezrvc_features.retrieval import RetrievalConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.retrieval_builder import RetrievalBuilder
from ezrvc_model.voice_folder import read_voice_config, resolve_voice


def build_retrieval(
    storage: Storage,
    voice: str,
    config: RetrievalConfig,
    *,
    experiment: str | None = None,
    progress: Progress = silent,
) -> list[str]:
    """Make the retrieval vectors of a voice; gives the speakers that have them now.

    Args:
        storage: where voices and experiments are.
        voice: name or folder.
        config: which method.
        experiment: whose content; None: the experiment named like the voice.
        progress: told the clips that are read.

    Raises:
        ModelError: there is no such voice or prepared experiment, or they do not fit each other.
        FeatureError: the content of a clip is damaged.
    """
    summary = resolve_voice(storage.models, voice=voice).voice
    wanted = read_voice_config(summary.folder)
    prepared = choose_experiment(storage, experiment or summary.name)
    encoder = training_configuration(prepared).features.encoder
    if encoder != wanted.features.encoder:
        raise ModelError(
            f"experiment {prepared.name!r} has content of {encoder!r}, the voice {summary.name!r} "
            f"needs {wanted.features.encoder!r}; run preprocess with that encoder"
        )
    width = wanted.synthesizer.content_dim
    builder = RetrievalBuilder(prepared, config, wanted.speakers, width)
    if not builder.speakers_with_clips:
        raise ModelError(
            f"experiment {prepared.name!r} has no clips of {', '.join(wanted.speakers)}; "
            "name the one that has with --experiment"
        )
    builder.update(summary.folder, progress)
    return builder.speakers_with_clips
