import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ezrvc_device.configuration import load_yaml, save_yaml
from ezrvc_features.config import FeatureConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.noise import TorchNoise
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.testing import save_untrained_voice, small_config, untrained_voice
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import Consent, VoiceCard


def speak(generator: Synthesizer) -> torch.Tensor:
    random = torch.Generator().manual_seed(5)
    content = torch.randn(1, 80, 20, generator=random)
    f0 = torch.linspace(120, 240, 20).unsqueeze(0)
    with torch.inference_mode():
        return generator.infer(
            content,
            f0,
            torch.ones(1, 20),
            torch.tensor([0]),
            noise=TorchNoise.seeded(1),
            fp32=True,
        )


def test_a_saved_voice_speaks_as_before(tmp_path: Path) -> None:
    voice = untrained_voice(["ada", "grace"])
    voice.card = VoiceCard(name="duo", consent=Consent(given=True, statement="both"))
    voice.save(tmp_path / "duo")
    loaded = VoiceModel.load(tmp_path / "duo")
    assert loaded.config == voice.config
    assert loaded.features == FeatureConfig(encoder="mel")
    assert dict(loaded.speakers) == {"ada": 0, "grace": 1}
    assert loaded.card == voice.card
    assert torch.equal(speak(loaded.generator), speak(voice.prepared_generator()))
    assert sorted(path.name for path in (tmp_path / "duo").iterdir()) == [
        "README.md",
        "card.yaml",
        "config.yaml",
        "generator.safetensors",
    ]


def test_saving_changes_neither_the_network_in_training_nor_its_randomness(tmp_path: Path) -> None:
    voice = untrained_voice()
    names = list(voice.generator.state_dict())
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    voice.save(tmp_path / "first")
    assert torch.equal(torch.rand(3), expected)
    assert list(voice.generator.state_dict()) == names
    assert voice.generator.posterior_encoder is not None
    speak(voice.generator).sum()  # every layer still has its weight
    voice.save(tmp_path / "second")
    first = (tmp_path / "first" / "generator.safetensors").read_bytes()
    assert (tmp_path / "second" / "generator.safetensors").read_bytes() == first


def test_a_loaded_voice_can_be_saved_again(tmp_path: Path) -> None:
    first = save_untrained_voice(tmp_path / "first")
    VoiceModel.load(first).save(tmp_path / "second")
    for name in ("config.yaml", "generator.safetensors", "card.yaml"):
        assert (tmp_path / "second" / name).read_bytes() == (first / name).read_bytes()


def test_half_precision_halves_the_size_and_hardly_changes_the_sound(tmp_path: Path) -> None:
    voice = untrained_voice()
    voice.save(tmp_path / "full")
    voice.save(tmp_path / "half", storage="float16")
    sizes = [
        sum(
            tensor.nbytes
            for tensor in load_file(tmp_path / name / "generator.safetensors").values()
        )
        for name in ("full", "half")
    ]
    assert sizes[1] * 2 == sizes[0]
    loaded = VoiceModel.load(tmp_path / "half")
    assert {p.dtype for p in loaded.generator.parameters()} == {torch.float32}
    torch.testing.assert_close(
        speak(loaded.generator), speak(voice.prepared_generator()), rtol=0, atol=5e-3
    )


def test_an_older_voice_is_replaced_and_anything_else_is_not(tmp_path: Path) -> None:
    folder = save_untrained_voice(tmp_path / "voice", seed=0)
    before = (folder / "generator.safetensors").read_bytes()
    save_untrained_voice(folder, seed=1)
    assert (folder / "generator.safetensors").read_bytes() != before
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "mine.wav").write_bytes(b"precious")
    with pytest.raises(ModelError, match=r"songs: something else is here"):
        save_untrained_voice(tmp_path / "songs")
    assert (tmp_path / "songs" / "mine.wav").read_bytes() == b"precious"


def test_a_save_that_fails_leaves_the_older_voice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_untrained_voice(tmp_path / "voice", seed=0)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ezrvc_model.voice.save_yaml", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_untrained_voice(folder, seed=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["voice"]


@pytest.fixture(scope="module")
def sound_voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_untrained_voice(tmp_path_factory.mktemp("sound") / "voice")


def _truncate(folder: Path) -> None:
    weights = folder / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def _truncate_unrecorded(folder: Path) -> None:
    _truncate(folder)
    _change_config(folder, generator_sha256="")


def _flip_a_bit(folder: Path) -> None:
    weights = folder / "generator.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


def _change_config(folder: Path, **changes: object) -> None:
    tree = load_yaml(folder / "config.yaml")
    save_yaml(folder / "config.yaml", {**tree, **changes})


def _spoil_tensors(folder: Path) -> None:
    weights = folder / "generator.safetensors"
    tensors = load_file(weights)
    tensors["stranger"] = torch.zeros(1)
    name = "speaker_embedding.table.weight"
    tensors[name] = tensors[name][:, :3].contiguous()
    del tensors["sine_source.mix.bias"]
    save_file(tensors, weights)
    _change_config(folder, generator_sha256="")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, r"generator\.safetensors: damaged or replaced"),
        (_flip_a_bit, r"generator\.safetensors: damaged or replaced"),
        (_truncate_unrecorded, r"generator\.safetensors: cannot be read"),
        (
            _spoil_tensors,
            r"1 missing \(sine_source\.mix\.bias\); 1 unexpected \(stranger\); 1 mis-shaped "
            r"\(speaker_embedding\.table\.weight \(1, 3\) instead of \(1, 8\)\)",
        ),
        (lambda f: _change_config(f, format_version=2), r"format version 2, this program reads 1"),
        (lambda f: _change_config(f, speekers={}), r"unknown key 'speekers', did you mean"),
        (lambda f: _change_config(f, speakers={"a": 0, "b": 0}), r"share a row"),
        (lambda f: _change_config(f, speakers={"a": 4}), r"do not fit a table of 1"),
        (lambda f: _change_config(f, default_speaker="bob"), r"'bob' is not among speakers"),
        (lambda f: (f / "config.yaml").write_text("{", encoding="utf-8"), r"not valid YAML"),
        (lambda f: (f / "generator.safetensors").unlink(), r"not a voice"),
        (
            lambda f: (f / "card.yaml").write_text("names: x", encoding="utf-8"),
            r"unknown key 'names', did you mean 'name'",
        ),
    ],
)
def test_damage_is_one_clear_line(
    tmp_path: Path, sound_voice: Path, damage: Callable[[Path], object], message: str
) -> None:
    folder = shutil.copytree(sound_voice, tmp_path / "voice")
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        VoiceModel.load(folder)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere: no such voice folder"):
        VoiceModel.load(tmp_path / "nowhere")


def test_speakers_that_the_network_does_not_have_are_refused() -> None:
    config = small_config()
    with pytest.raises(ModelError, match="do not fit a table of 1"):
        VoiceModel(
            config, Synthesizer(config), {"a": 1}, FeatureConfig(encoder="mel"), VoiceCard(name="x")
        )


def test_an_unknown_speaker_is_answered_with_the_nearest() -> None:
    voice = untrained_voice(["ada", "grace"])
    assert voice.speaker_row("grace") == 1
    with pytest.raises(ModelError, match="unknown speaker 'gracie'; did you mean 'grace'"):
        voice.speaker_row("gracie")
