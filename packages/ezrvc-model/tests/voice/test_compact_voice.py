"""A voice kept in whole numbers: what it loses, and that training can start from it."""

from pathlib import Path

import pytest
import torch

from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.testing import untrained_voice
from ezrvc_model.training.bases.fitting import start_from
from ezrvc_model.training.bases.reading import read_base
from ezrvc_model.voice import VoiceModel


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    opponent = Discriminator((2,), (), narrowing=64)
    untrained_voice(["ada"]).save(tmp_path / "v", storage="int8", discriminator=opponent)
    return tmp_path / "v"


def test_it_speaks_with_nearly_the_same_weights(saved: Path, tmp_path: Path) -> None:
    voice = untrained_voice(["ada"])
    loaded = VoiceModel.load(saved).generator.state_dict()
    exact = voice.prepared_generator().state_dict()
    assert loaded.keys() == exact.keys()
    for name, tensor in exact.items():
        rows = tensor.reshape(len(tensor), -1) if tensor.ndim > 1 else tensor[None]
        again = loaded[name].reshape(rows.shape)
        largest = rows.abs().amax(dim=1, keepdim=True)
        assert ((rows - again).abs() <= largest * 0.005 + 1e-6).all(), name
    voice.save(tmp_path / "float")
    whole = (tmp_path / "float" / "generator.safetensors").stat().st_size
    # the posterior encoder is in it, too
    assert (saved / "generator.safetensors").stat().st_size < 0.6 * whole


def test_training_starts_from_all_of_it(saved: Path) -> None:
    voice = untrained_voice(["ada"])
    base = read_base("v", saved.parent, voice.config)
    generator, opponent = Synthesizer(voice.config), Discriminator((2,), (), narrowing=64)
    report = start_from(
        base, generator, opponent, speakers={"ada": 0}, encoder="mel", new_speakers="mean"
    )
    assert report.share_taken("generator") == 1
    assert report.share_taken("discriminator") == 1
    exact, taken = voice.generator.posterior_encoder, generator.posterior_encoder
    assert exact is not None
    assert taken is not None
    for one, other in zip(exact.modules(), taken.modules(), strict=True):
        if isinstance(one, torch.nn.Conv1d):
            assert isinstance(other, torch.nn.Conv1d)
            largest = float(one.weight.detach().abs().max())
            torch.testing.assert_close(one.weight, other.weight, rtol=0, atol=0.01 * largest)
