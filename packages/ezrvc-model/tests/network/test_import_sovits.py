"""Voices written as so-vits-svc writes them come back as they were, or are refused in words."""

import json
from pathlib import Path

import pytest
import torch

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.sovits import import_sovits
from ezrvc_model.interop.sovits_export import export_sovits
from ezrvc_model.noise import ZeroNoise

# what so-vits-svc takes for granted
SOVITS = {"posterior_layers": 16, "pitch_overflow": "zero"}
SOVITS_DECODER = {"source_sample_rate": 44100}
SPEAKERS = {"ada": 0, "bob": 2}


def as_sovits(config: SynthesizerConfig) -> SynthesizerConfig:
    tree = config.to_tree() | SOVITS
    tree["decoder"] |= SOVITS_DECODER
    if tree["flow"] == "residual":
        tree["n_couplings"] = 4
    return SynthesizerConfig.from_tree(tree)


VARIANTS = (
    "plain",
    "volume",
    "given F0",
    "depthwise",
    "shared flow",
    "transformer flow",
    "shared transformer flow",
    "snake",
    "unpaired convolutions",
    "uneven halves",
    "odd rates",
)


@pytest.fixture(params=VARIANTS)
def sovits_variant(
    request: pytest.FixtureRequest, variants: dict[str, SynthesizerConfig]
) -> SynthesizerConfig:
    return as_sovits(variants[request.param])


@pytest.fixture
def plain(variants: dict[str, SynthesizerConfig]) -> SynthesizerConfig:
    return as_sovits(variants["plain"])


@pytest.fixture
def voice(tmp_path: Path, make_network):
    """Writes a voice as so-vits-svc would; gives the network it holds and the checkpoint."""

    def make(config: SynthesizerConfig, *, step: int = 800):
        network = make_network(config)
        path = export_sovits(
            tmp_path, config, network.state_dict(), SPEAKERS, encoder="dphubert", step=step
        )
        return network, path

    # the tiny networks take other widths than any published encoder gives
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ezrvc_model.interop.encoders.WIDTHS", {"dphubert": 12, "hubert-soft": 12})
        yield make


@pytest.fixture
def edit_config(tmp_path: Path):
    """Changes keys of the configuration; None removes one."""

    def edit(section: str, **changes: object) -> None:
        path = tmp_path / "config.json"
        tree = json.loads(path.read_text())
        for key, value in changes.items():
            tree[section].pop(key, None)
            if value is not None:
                tree[section][key] = value
        path.write_text(json.dumps(tree))

    return edit


def edit_checkpoint(path: Path, change) -> None:
    content = torch.load(path, weights_only=True)
    change(content["model"])
    torch.save(content, path)


def test_every_variant_comes_back_as_it_was(sovits_variant, voice, make_inputs):
    network, path = voice(sovits_variant)
    imported = import_sovits(path)
    assert imported.config == sovits_variant
    assert imported.trainable
    assert (imported.speakers, imported.encoder) == (SPEAKERS, "dphubert")
    assert (imported.stretch, imported.unvoiced, imported.noise_scale) == (
        "nearest",
        "interpolate",
        0.4,
    )
    assert imported.ignored == ()
    state = network.state_dict()
    assert state.keys() == imported.state.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in imported.state.items())
    inputs = make_inputs(sovits_variant)
    with torch.no_grad():
        assert torch.equal(
            imported.build().eval().infer(**inputs, noise=ZeroNoise()),
            network.infer(**inputs, noise=ZeroNoise()),
        )


def test_a_folder_means_its_highest_step_and_the_files_are_recorded(plain, voice, tmp_path):
    voice(plain, step=800)
    voice(plain, step=12000)
    imported = import_sovits(tmp_path)
    assert imported.origin.kind == "imported"
    assert [file.name for file in imported.origin.files] == ["G_12000.pth", "config.json"]
    assert all(len(file.sha256) == 64 for file in imported.origin.files)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"holds no so-vits-svc generator \(G_<step>.pth\)"):
        import_sovits(tmp_path / "empty")


def test_a_compressed_voice_is_complete_without_its_posterior_encoder(plain, voice, make_inputs):
    network, path = voice(plain)

    def compress(model):
        for name in [name for name in model if "enc_q" in name]:
            del model[name]
        for name, tensor in model.items():
            model[name] = tensor.half()

    edit_checkpoint(path, compress)
    imported = import_sovits(path)
    assert not imported.trainable
    built = imported.build().eval()
    assert built.posterior_encoder is None
    assert next(built.parameters()).dtype == torch.float32
    inputs = make_inputs(plain)
    with torch.no_grad():
        torch.testing.assert_close(
            built.infer(**inputs, noise=ZeroNoise()),
            network.infer(**inputs, noise=ZeroNoise()),
            atol=0.02,
            rtol=0,
        )


@pytest.mark.parametrize("spelling", ["new", "folded"])
def test_other_spellings_of_weight_norm_mean_the_same(plain, voice, make_inputs, spelling):
    network, path = voice(plain)

    def respell(model):
        for name in [name for name in model if name.endswith(".weight_g")]:
            layer = name.removesuffix("_g")
            g, v = model.pop(name), model.pop(f"{layer}_v")
            if spelling == "new":
                parent = layer.removesuffix("weight")
                model[f"{parent}parametrizations.weight.original0"] = g
                model[f"{parent}parametrizations.weight.original1"] = v
            else:
                model[layer] = g * v / v.norm(dim=(1, 2), keepdim=True)

    edit_checkpoint(path, respell)
    inputs = make_inputs(plain)
    with torch.no_grad():
        torch.testing.assert_close(
            import_sovits(path).build().eval().infer(**inputs, noise=ZeroNoise()),
            network.infer(**inputs, noise=ZeroNoise()),
            atol=1e-5,
            rtol=0,
        )


def test_what_a_configuration_of_4_0_lacks_is_seen_in_the_tensors(
    sovits_variant, voice, edit_config
):
    _, path = voice(sovits_variant)
    edit_config(
        "model",
        use_automatic_f0_prediction=None,
        vol_embedding=None,
        use_depthwise_conv=None,
        flow_share_parameter=None,
        use_transformer_flow=None,
        speech_encoder=None,
    )
    edit_config("data", unit_interpolate_mode=None)
    imported = import_sovits(path, encoder="hubertsoft")
    assert imported.config == sovits_variant
    assert imported.encoder == "hubert-soft"
    assert imported.stretch == "left"


def test_a_width_that_several_encoders_have_asks_which(plain, voice, edit_config):
    _, path = voice(plain)
    edit_config("model", speech_encoder=None)
    with pytest.raises(ModelError, match=r"width 12 can come from dphubert, hubert-soft; say with"):
        import_sovits(path)
    edit_config("model", speech_encoder="whisper-xl")
    with pytest.raises(ModelError, match="names the encoder 'whisper-xl', which is not known"):
        import_sovits(path)


@pytest.mark.parametrize("resblock", ["1", 1, "2", 2, None])
@pytest.mark.parametrize(
    ("name", "listed"),
    [("plain", [[1, 3], [1, 2]]), ("unpaired convolutions", [[1, 3, 5], [1, 2, 4]])],
)
def test_the_tensors_say_which_residual_blocks_a_decoder_has(
    variants, voice, edit_config, name, listed, resblock
):
    config = as_sovits(variants[name])
    network, path = voice(config)
    edit_config("model", resblock=resblock, resblock_dilation_sizes=listed)
    imported = import_sovits(path)
    assert imported.config == config
    assert imported.state.keys() == network.state_dict().keys()


def test_speakers_may_be_listed_in_the_order_of_the_table(plain, voice, tmp_path):
    _, path = voice(plain)
    tree = json.loads((tmp_path / "config.json").read_text())
    for listed, message in (
        (["ada", "bob"], None),
        (["a", "b", "c", "d"], "'d' has row 3"),
        ([], "spk"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(tree | {"spk": listed}))
        if message is None:
            assert import_sovits(path).speakers == {"ada": 0, "bob": 1}
        else:
            with pytest.raises(ModelError, match=message):
                import_sovits(path)


def test_a_checkpoint_of_rvc_training_is_told_apart(plain, voice):
    _, path = voice(plain)
    weight = {"enc_p.emb_phone.weight": torch.zeros(8, 12)}
    edit_checkpoint(path, lambda model: model.update(weight))
    with pytest.raises(ModelError, match=r"one of RVC.s training; take the small \.pth"):
        import_sovits(path)


def test_ignored_keys_are_named(plain, voice, edit_config):
    _, path = voice(plain)
    edit_config("model", speaker_embedding=False, n_speakers=200)
    edit_config("data", max_wav_value=32768.0)
    assert import_sovits(path).ignored == ("data.max_wav_value", "model.speaker_embedding")


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("model", {"ssl_dim": 256}, "model.ssl_dim is 256, the checkpoint's is 12"),
        ("model", {"gin_channels": 7}, "model.gin_channels is 7, the checkpoint's is 6"),
        ("model", {"vocoder_name": "ddsp"}, "decoder is 'ddsp', which is not supported"),
        ("model", {"upsample_rates": [4, 4, 4]}, "hop_length 32 is not the product"),
        ("model", {"vocoder_name": ["nsf-hifigan"]}, "which is not supported"),
        ("model", {"speech_encoder": ["vec768l12"]}, "which is not known"),
        ("model", {"n_heads": "two"}, "n_heads"),
        ("model", {"n_layers": 10**9}, "n_layers"),
        ("model", {"hidden_channels": 10**9}, "no network that can be"),
        ("data", {"unit_interpolate_mode": "cubic"}, "'cubic' is not supported"),
        ("spk", {"eve": 3}, "speaker 'eve' has row 3, the checkpoint's table has 3"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    plain, voice, edit_config, section, changes, message
):
    _, path = voice(plain)
    edit_config(section, **changes)
    with pytest.raises(ModelError, match=message):
        import_sovits(path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"model": {}}', '{"model": [], "data": {}}']
)
def test_a_file_that_is_no_configuration_is_refused(plain, voice, text):
    _, path = voice(plain)
    (path.parent / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        import_sovits(path)


def test_every_tensor_is_accounted_for_in_a_table(plain, voice):
    _, path = voice(plain)

    def spoil(model):
        del model["enc_p.proj.bias"]
        model["dec.extra.weight"] = torch.zeros(2, 3)
        model["emb_uv.weight"] = torch.zeros(2, 9)

    edit_checkpoint(path, spoil)
    with pytest.raises(ModelError) as refusal:
        import_sovits(path)
    first, header, *rows = str(refusal.value).splitlines()
    assert first.endswith("1 missing, 1 unknown, 1 mis-shaped tensors")
    assert header.split("  ")[-1] == "needed"
    assert [row.split() for row in rows] == [
        ["missing", "enc_p.proj.bias", "16"],
        ["unknown", "dec.extra.weight", "2x3"],
        ["mis-shaped", "emb_uv.weight", "2x9", "2x8"],
    ]


def test_a_long_table_is_cut_short(plain, voice):
    _, path = voice(plain)
    edit_checkpoint(path, lambda model: model.update({f"x{i}": torch.zeros(1) for i in range(90)}))
    with pytest.raises(ModelError, match=r"90 unknown tensors(?s:.*)and 50 more$"):
        import_sovits(path)


def test_copies_and_filters_must_be_what_they_claim(variants, voice):
    _, path = voice(as_sovits(variants["shared flow"]))
    name = "flow.flows.2.enc.in_layers.0.bias"
    edit_checkpoint(path, lambda model: model.update({name: model[name] + 1}))
    with pytest.raises(ModelError, match=r"flow\.flows\.2\.enc\.in_layers\.0\.bias differs"):
        import_sovits(path)
    _, path = voice(as_sovits(variants["snake"]))
    name = "dec.snakes.1.upsample.filter"
    edit_checkpoint(path, lambda model: model.update({name: model[name] + 0.1}))
    with pytest.raises(ModelError, match=r"dec\.snakes\.1\.upsample\.filter is another lowpass"):
        import_sovits(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention_window": 10}, "attention_window 10"),
        ({"posterior_layers": 3}, "posterior_layers 3"),
        ({"n_couplings": 5}, "n_couplings 5"),
        ({"decoder": {"n_harmonics": 1}}, "n_harmonics 1"),
        ({"decoder": {"kind": "hifigan"}}, "must have a source"),
        ({"sample_rate": 24000}, "another rate than 44100 Hz"),
    ],
)
def test_export_refuses_what_so_vits_svc_cannot_express(tmp_path, changes, message):
    config = SynthesizerConfig.from_tree(changes)
    with pytest.raises(ModelError, match=message):
        export_sovits(tmp_path, config, {}, SPEAKERS, encoder="contentvec768l12")
    with pytest.raises(ModelError, match="has no encoder 'mel'"):
        export_sovits(tmp_path, config, {}, SPEAKERS, encoder="mel")


def test_a_prepared_voice_is_exported_whole(plain, voice, tmp_path, make_network, make_inputs):
    voice(plain)  # fixes the encoder's width
    network, inputs = make_network(plain).prepare_for_inference(), make_inputs(plain)
    path = export_sovits(
        tmp_path / "prepared", plain, network.state_dict(), SPEAKERS, encoder="dphubert"
    )
    back = import_sovits(path).build().eval()
    with torch.no_grad():
        torch.testing.assert_close(
            back.infer(**inputs, noise=ZeroNoise()),
            network.infer(**inputs, noise=ZeroNoise(), fp32=True),
            atol=1e-5,
            rtol=0,
        )
