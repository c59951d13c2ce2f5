"""Exported graphs give the network's samples at every length, and say how they are to be fed."""

import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop import onnx_export
from ezrvc_model.interop.onnx_export import TOLERANCE, export_onnx
from ezrvc_model.interop.onnx_graph import example_inputs, graph_inputs
from ezrvc_model.noise import GivenNoise
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import VoiceCard

onnxruntime = pytest.importorskip("onnxruntime")
LENGTHS = ((1, 5), (2, 64), (1, 700))
"""Batches and frames, none of them the traced one; 700 frames take attention and source several
stretches here."""
NOISE_SCALE = 0.7
SMALL = {"n_layers": 1, "flow_layers": 1, "n_couplings": 2}
SMALL_DECODER = {
    "upsample_rates": [4],
    "upsample_kernel_sizes": [8],
    "resblock_kernel_sizes": [3],
    "resblock_dilations": [[1, 3]],
}


@pytest.fixture
def make_voice(make_network):
    """Makes an untrained voice of a configuration."""

    def make(config: SynthesizerConfig) -> VoiceModel:
        return VoiceModel(
            config=config,
            generator=make_network(config).prepare_for_inference(),
            speakers={"ada": 0, "zoë": 2},
            features=FeatureConfig(encoder="mel"),
            card=VoiceCard(name="duo", licence="CC0-1.0"),
            default_speaker="zoë",
            unvoiced="interpolate" if config.voiced_embedding else "zero",
        )

    return make


@pytest.fixture
def small(variants):
    """A variant, with as few layers as it can have."""

    def make(name: str, **changes: Any) -> SynthesizerConfig:
        tree = variants[name].to_tree()
        tree["decoder"] |= SMALL_DECODER
        return SynthesizerConfig.from_tree(tree | SMALL | changes)

    return make


def largest_difference(path: Path, voice: VoiceModel, **options: Any) -> float:
    """Between the file's samples and those of the network's public parts, over all lengths."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    config, network = voice.config, voice.generator
    predict_f0 = options.get("predict_f0", False)
    inputs = graph_inputs(config, options.get("speaker", "id"), predict_f0=predict_f0)
    assert [each.name for each in session.get_inputs()] == [each.name for each in inputs]
    differences = []
    for batch, n_frames in LENGTHS:
        given = example_inputs(inputs, config, batch=batch, n_frames=n_frames, seed=n_frames)
        found = session.run(["audio"], {name: value.numpy() for name, value in given.items()})[0]
        f0 = given.get("f0", torch.zeros(batch, n_frames))
        voiced = given.get("voiced", torch.ones(batch, n_frames))
        (speaker,) = (value for name, value in given.items() if name.startswith("speaker"))
        told = (voiced, speaker, given.get("volume"))
        with torch.inference_mode():
            if predict_f0:
                f0 = network.predict_f0(given["content"], f0, *told)
            noise = GivenNoise(given["prior_noise"], axis=2)
            latent = network.encode(
                given["content"], f0, *told, noise_scale=NOISE_SCALE, noise=noise
            )
            source = None
            if config.decoder.has_source:
                hiss = GivenNoise(given["source_noise"], axis=1)
                source = network.source(f0, start_phase=given["source_phase"], noise=hiss)
            expected = network.decode(latent, source, speaker, fp32=True).numpy()
        assert found.shape == (batch, 1, n_frames * config.hop_length)
        assert expected.std() > 1e-3  # silence would prove nothing
        differences.append(float(np.abs(found - expected).max()))
    return max(differences)


def test_a_graph_gives_the_networks_samples_at_other_lengths(
    tmp_path, small, make_voice, capfd, caplog
):
    config = small("volume", depthwise=True, share_flow=True)
    voice = make_voice(config)
    options: Any = {"speaker": "curves", "predict_f0": True}
    with caplog.at_level(logging.WARNING):
        path = export_onnx(tmp_path / "duo.onnx", voice, noise_scale=NOISE_SCALE, **options)
    assert largest_difference(path, voice, **options) <= TOLERANCE
    assert [each.name for each in tmp_path.iterdir()] == ["duo.onnx"]
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")
    told = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
    assert told == {
        "format": "ezrvc-voice",
        "name": "duo",
        "licence": "CC0-1.0",
        "sample_rate": "8000",
        "hop_length": "4",
        "encoder": "mel",
        "encoder_version": "",
        "content_dim": "12",
        "stretch": "nearest",
        "unvoiced": "interpolate",
        "speakers": json.dumps({"ada": 0, "zoë": 2}, ensure_ascii=False),
        "default_speaker": "zoë",
        "speaker_input": "curves",
        "noise_scale": "0.7",
        "predict_f0": "true",
    }
    assert str(Path(onnx_export.__file__).parent).encode() not in path.read_bytes()


def test_a_graph_that_differs_is_not_written(tmp_path, small, make_voice, monkeypatch):
    class Program:
        model = SimpleNamespace(metadata_props={})

        def save(self, path: Path, *, external_data: bool) -> None:
            path.write_bytes(b"another graph")

    monkeypatch.setattr(onnx_export, "_program", lambda *_: Program())
    for difference in (2 * TOLERANCE, float("nan")):
        monkeypatch.setattr(onnx_export, "_difference", lambda *_, much=difference: much)
        with pytest.raises(ModelError, match=r"duo\.onnx: not written, .* from the network's"):
            export_onnx(tmp_path / "duo.onnx", make_voice(small("rvc without F0")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_variant_gives_its_samples(tmp_path, variant, make_voice):
    voice = make_voice(variant)
    path = export_onnx(tmp_path / "voice.onnx", voice, noise_scale=NOISE_SCALE)
    assert largest_difference(path, voice) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fixed_shares_of_speakers_give_their_samples(tmp_path, small, make_voice):
    voice = make_voice(small("transformer flow"))
    path = export_onnx(tmp_path / "voice.onnx", voice, speaker="mix", noise_scale=NOISE_SCALE)
    assert largest_difference(path, voice, speaker="mix") <= TOLERANCE


def test_a_graph_reads_only_what_its_voice_uses(variants):
    names = {
        name: [each.name for each in graph_inputs(variants[name], "id")]
        for name in ("plain", "rvc", "rvc without F0")
    }
    source = ["source_phase", "source_noise"]
    assert names == {
        "plain": ["content", "f0", "voiced", "speaker", "prior_noise", *source],
        "rvc": ["content", "f0", "speaker", "prior_noise", *source],
        "rvc without F0": ["content", "speaker", "prior_noise"],
    }


def test_f0_of_a_voice_without_a_decoder_for_it_is_refused(tmp_path, variants, make_voice):
    with pytest.raises(ModelError, match="no pitch of its own"):
        export_onnx(tmp_path / "x.onnx", make_voice(variants["given F0"]), predict_f0=True)


def test_a_missing_extra_is_named_in_one_line(tmp_path, variants, make_voice, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModelError, match=r"onnxscript.*pip install 'ezrvc-model\[onnx\]'`$"):
        export_onnx(tmp_path / "x.onnx", make_voice(variants["plain"]))


def test_given_noise_is_handed_out_in_order():
    draws = torch.arange(12.0).reshape(2, 6)
    noise = GivenNoise(draws, axis=1)
    parts = [noise.normal((2, n), draws) for n in (1, 2, 3)]
    assert torch.equal(torch.cat(parts, dim=1), draws)
    with pytest.raises(ModelError, match="only normal draws were given"):
        noise.uniform((2,), draws)
