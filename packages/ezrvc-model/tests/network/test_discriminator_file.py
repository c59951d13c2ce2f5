import pytest
import torch
from safetensors.torch import load_file, save_file

from ezrvc_model.config import DiscriminatorConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.discriminators.discriminator_file import (
    load_discriminator,
    read_discriminator_config,
    save_discriminator,
)
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.discriminators import import_discriminator
from ezrvc_model.interop.sovits import matching_discriminator
from ezrvc_model.testing import save_untrained_voice, untrained_voice
from ezrvc_model.voice import VoiceModel


@pytest.fixture
def small() -> Discriminator:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Discriminator((2, 3), [(64, 16)], narrowing=64)


def test_a_discriminator_comes_back_with_its_shape(tmp_path, small):
    path = tmp_path / "discriminator.safetensors"
    save_discriminator(path, small)
    assert read_discriminator_config(path) == DiscriminatorConfig(
        periods=(2, 3), resolutions=((64, 16),), narrowing=64
    )
    back, state = load_discriminator(path).state_dict(), small.state_dict()
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


def test_a_damaged_or_foreign_file_is_refused(tmp_path, small):
    path = tmp_path / "discriminator.safetensors"
    with pytest.raises(ModelError, match=r"discriminator\.safetensors: cannot be read"):
        load_discriminator(path)
    save_discriminator(path, small)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"cannot be read .*import it again"):
        load_discriminator(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="not a discriminator of ezrvc"):
        load_discriminator(path)
    save_discriminator(path, small)
    tensors = load_file(path)
    tensors.pop("members.0.output.bias")
    config = DiscriminatorConfig(periods=(2, 3), resolutions=((64, 16),), narrowing=64)
    metadata = {"format": "ezrvc-discriminator", "config": config.model_dump_json()}
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(ModelError, match=r"members\.0\.output\.bias") as caught:
        load_discriminator(path)
    assert "\n" not in str(caught.value)


def test_a_voice_keeps_one_only_where_asked(tmp_path, small):
    folder = tmp_path / "voice"
    untrained_voice().save(folder, discriminator=small)
    assert load_discriminator(folder / "discriminator.safetensors").periods == (2, 3)
    VoiceModel.load(folder).save(tmp_path / "half", storage="float16")
    assert not (tmp_path / "half" / "discriminator.safetensors").exists()
    save_untrained_voice(folder)  # another voice in its place has another opponent, or none
    assert not (folder / "discriminator.safetensors").exists()


@pytest.mark.parametrize("name", ["convs.0.weight_orig", "convs.0.parametrizations.weight.0._u"])
def test_spectral_normalisation_is_refused_by_name(tmp_path, name):
    path = tmp_path / "D_0.pth"
    torch.save({"model": {f"discriminators.0.{name}": torch.zeros(16)}}, path)
    with pytest.raises(ModelError, match=r"D_0\.pth: .* use spectral normalisation, which is not"):
        import_discriminator(path)


def test_the_discriminator_of_the_same_step_is_the_one():
    names = ["D_0.pth", "D_800.pth", "D_90.pth", "G_900.pth", "D_x.pth"]
    assert matching_discriminator("G_90.pth", names) == "D_90.pth"
    assert matching_discriminator("G_900.pth", names) == "D_800.pth"
    assert matching_discriminator("G_900.pth", ["G_900.pth"]) is None
