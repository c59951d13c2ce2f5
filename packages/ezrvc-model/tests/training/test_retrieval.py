"""Retrieval vectors that are made when a voice is exported."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest
from ezrvc_features.config import FeatureConfig
from ezrvc_features.retrieval import RetrievalConfig, load_retriever, read_facts
from ezrvc_features.store import FeatureStore
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.data.clip_set import read_file_list
from ezrvc_model.errors import ModelError
from ezrvc_model.retrieval_builder import RetrievalBuilder
from ezrvc_model.testing import save_untrained_voice, small_config, untrained_voice
from ezrvc_model.training import TrainingResult, train
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.saving import VoiceExporter
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_retrieval import retrieval_path

MakeExperiment = Callable[..., ExperimentFolder]
INDEX = RetrievalConfig(method="index")


def run_training(
    experiment: ExperimentFolder, run: Path, retrieval: RetrievalConfig | None
) -> TrainingResult:
    settings = TrainConfig(
        max_steps=1,
        batch_size=2,
        segment_frames=8,
        max_clip_frames=40,
        discriminator=DiscriminatorConfig(periods=(2,), narrowing=64),
        validation_clips=0,
    )
    model, features = small_config(n_speakers=2), FeatureConfig(encoder="mel")
    return train(experiment, run, model, settings, features, device="cpu", retrieval=retrieval)


def test_a_trained_voice_has_the_content_of_its_training_clips(
    make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment = make_experiment("duo", ("ada", "bob"), n_clips=2)
    result = run_training(experiment, tmp_path / "run", INDEX)
    voice = VoiceModel.load(result.voice)
    assert set(voice.retrieval) == {"ada", "bob"}
    store, wanted = FeatureStore(experiment), set(read_file_list(experiment.train_list))
    clips = [clip for clip in read_manifest(experiment.manifest) if clip.path in wanted]
    for speaker in ("ada", "bob"):
        said = [store.load_content(clip) for clip in clips if clip.speaker == speaker]
        expected = np.concatenate([each.float().numpy().T for each in said])
        assert np.array_equal(load_retriever(voice.retrieval[speaker]).vectors, expected)
    origin = read_facts(voice.retrieval["ada"]).origin
    assert origin == "2 clips of experiment duo"


def test_a_finished_run_is_given_the_vectors_that_are_asked_for_later(
    make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment, run = make_experiment(n_clips=2), tmp_path / "run"
    path = retrieval_path(run_training(experiment, run, None).voice, 0)
    assert not path.exists()
    card = (run / "voice" / "card.yaml").read_bytes()
    assert run_training(experiment, run, INDEX).steps_now == 0
    assert read_facts(path).method == "index"
    assert (run / "voice" / "card.yaml").read_bytes() == card


def test_later_exports_keep_the_vectors_and_another_setting_remakes_them(
    make_experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, run = make_experiment(n_clips=2), RunFolder(tmp_path / "run")
    generator = untrained_voice().generator

    def export(retrieval: RetrievalConfig, step: int) -> None:
        builder = RetrievalBuilder(experiment, retrieval, {"ada": 0}, 80)
        exporter = VoiceExporter(
            run, generator.config, FeatureConfig(encoder="mel"), {"ada": 0}, 1, retrieval=builder
        )
        exporter.export(generator, step)

    path = retrieval_path(run.voice, 0)
    export(RetrievalConfig(), 1)
    assert not path.exists()
    export(INDEX, 2)
    before = path.read_bytes()
    with monkeypatch.context() as changed:
        changed.setattr(FeatureStore, "load_content", _must_not_be_read)
        export(INDEX, 3)
        export(RetrievalConfig(), 4)
    assert path.read_bytes() == before
    export(RetrievalConfig(method="kmeans", n_clusters=3), 5)
    facts = read_facts(path)
    assert (facts.method, facts.n_vectors) == ("kmeans", 3)
    assert VoiceModel.load(run.voice).retrieval == {"ada": path}


def _must_not_be_read(*_: object) -> None:
    raise AssertionError("nothing has changed: nothing is to be read")


def test_clips_without_content_stay_out_and_damaged_vectors_are_made_again(
    make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment = make_experiment(n_clips=3)
    (experiment.features / "ada" / "000.soft.pt").unlink()
    folder = save_untrained_voice(tmp_path / "voice")
    builder = RetrievalBuilder(experiment, INDEX, {"ada": 0, "eve": 1}, 80)
    assert builder.missing(folder) == ["ada"]
    assert builder.update(folder) == ["ada"]
    path = retrieval_path(folder, 0)
    whole = path.read_bytes()
    assert read_facts(path).origin.startswith("2 clips")
    assert builder.update(folder) == []
    path.write_bytes(whole[:-10])
    assert builder.update(folder) == ["ada"]
    assert path.read_bytes() == whole


def test_content_of_another_width_is_refused(
    make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    builder = RetrievalBuilder(make_experiment(), INDEX, {"ada": 0}, 256)
    with pytest.raises(ModelError, match="80 wide, the voice's content is 256"):
        builder.update(save_untrained_voice(tmp_path / "voice"))
