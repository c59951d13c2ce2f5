"""HuBERT, ContentVec, Spin and WavLM against transformers' networks, at any layer and layout."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import HubertModel, Wav2Vec2FeatureExtractor, WavLMModel

from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_features.content.checkpoint import convert_once
from ezrvc_features.content.hidden_layer import HiddenLayer
from ezrvc_features.content.hubert import HubertEncoder
from ezrvc_features.content.registry import encoder_dim, encoder_version, load_encoder
from ezrvc_features.errors import FeatureError
from ezrvc_features.testing import checkpoints, hubert_checkpoints

SPOKEN = speech_like(1.3, 16_000)
CONTENTVECS = ("contentvec768l12", "contentvec768l9", "contentvec256l12", "contentvec256l9")


def assert_near(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def hidden(network: HubertModel | WavLMModel, index: int, waveform: Waveform) -> torch.Tensor:
    """What transformers gives after a layer, (hidden, n_frames)."""
    with torch.no_grad():
        outputs: Any = network(torch.from_numpy(waveform.samples), output_hidden_states=True)
    is_last = index == network.config.num_hidden_layers
    return (outputs.last_hidden_state if is_last else outputs.hidden_states[index])[0].T


@pytest.mark.parametrize("name", CONTENTVECS)
def test_contentvec_is_a_layer_of_transformers_hubert(name: str, tmp_path: Path) -> None:
    reference = checkpoints.tiny_contentvec(seed=1)
    weights = checkpoints.write_contentvec_folder(tmp_path / "cv", seed=1)
    width, index = name.removeprefix("contentvec").split("l")
    expected = hidden(reference, int(index), SPOKEN)
    if width == "256":
        with torch.no_grad():
            expected = reference.final_proj(expected.T).T
    encoder = load_encoder(name, weights=weights)
    assert encoder.dim == encoder_dim(name, weights) == len(expected)
    assert_near(encoder.encode(SPOKEN), expected)


def test_the_layers_of_one_file_share_what_is_kept(tmp_path: Path, cache: Path) -> None:
    file = checkpoints.write_contentvec_fairseq(tmp_path / "checkpoint_best_legacy_500.pt")
    versions = {encoder_version(name, file) for name in CONTENTVECS}
    assert len(versions) == 4
    assert {load_encoder(name, weights=file).version for name in CONTENTVECS} == versions
    assert len(list((cache / "encoders").glob("*.safetensors"))) == 1


@pytest.mark.parametrize("name", ["contentvec256l9", "contentvec768l9"])
def test_fairseq_files_keep_their_projection(name: str, tmp_path: Path) -> None:
    folder = checkpoints.write_contentvec_folder(tmp_path / "cv")
    file = checkpoints.write_contentvec_fairseq(tmp_path / "hubert_base.pt")
    first, second = (load_encoder(name, weights=weights) for weights in (folder, file))
    assert_near(first.encode(SPOKEN), second.encode(SPOKEN))


def test_the_weights_of_a_folder_tell_their_shape(tmp_path: Path) -> None:
    folder = checkpoints.write_contentvec_folder(tmp_path / "cv")
    whole = load_encoder("contentvec256l9", weights=folder)
    alone = load_encoder("contentvec256l9", weights=folder / "model.safetensors")
    assert_near(whole.encode(SPOKEN), alone.encode(SPOKEN))


def test_without_a_projection_its_encoders_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    hubert_checkpoints.tiny_hubert().save_pretrained(folder)
    assert load_encoder("contentvec768l9", weights=folder).dim == hubert_checkpoints.HIDDEN
    for ask in (load_encoder, encoder_dim):
        with pytest.raises(FeatureError, match="contentvec256l9 needs the final projection"):
            ask("contentvec256l9", weights=folder)


@pytest.mark.parametrize("layout", ["folder", "fairseq"])
def test_hubert_large_is_that_of_transformers(layout: str, tmp_path: Path) -> None:
    reference = hubert_checkpoints.tiny_hubert_large(seed=2)
    if layout == "folder":
        weights = tmp_path / "large"
        reference.save_pretrained(weights)
    else:
        weights = checkpoints.write_fairseq(tmp_path / "large.pt", reference)
    encoder = load_encoder("cnhubert-large", weights=weights)
    assert_near(encoder.encode(SPOKEN), hidden(reference, 24, SPOKEN))


def test_a_middle_layer_of_a_large_network_is_not_normalised(tmp_path: Path) -> None:
    """As in transformers, where only the last of the hidden states is."""
    reference = hubert_checkpoints.tiny_hubert_large(seed=2, n_layers=4)
    reference.save_pretrained(tmp_path / "large")
    encoder = _encoder(tmp_path / "large", HiddenLayer(index=3, of=4))
    assert_near(encoder.encode(SPOKEN), hidden(reference, 3, SPOKEN))


@pytest.mark.parametrize("layout", ["folder", "own"])
def test_wavlm_is_that_of_transformers(layout: str, tmp_path: Path) -> None:
    reference = hubert_checkpoints.tiny_wavlm(seed=3)
    if layout == "folder":
        weights = tmp_path / "wavlm"
        reference.save_pretrained(weights)
    else:
        weights = hubert_checkpoints.write_wavlm(tmp_path / "WavLM-Base+.pt", seed=3)
    encoder = load_encoder("wavlm-base-plus", weights=weights)
    assert encoder.dim == hubert_checkpoints.HIDDEN
    assert_near(encoder.encode(SPOKEN), hidden(reference, 12, SPOKEN))


def test_spin_is_hubert_under_other_names(tmp_path: Path) -> None:
    file = hubert_checkpoints.write_spin(tmp_path / "spin_hubert_2048.ckpt", seed=4)
    content = load_encoder("spin", weights=file).encode(SPOKEN)
    assert_near(content, hidden(checkpoints.tiny_contentvec(seed=4), 12, SPOKEN))


def test_mhubert_hears_normalised_sound(tmp_path: Path) -> None:
    """As transformers' feature extractor normalises it; loudness then does not matter."""
    reference = hubert_checkpoints.tiny_hubert(seed=5)
    reference.save_pretrained(tmp_path / "mhubert")
    (heard,) = Wav2Vec2FeatureExtractor(do_normalize=True)(
        SPOKEN.samples[0], sampling_rate=16_000, return_tensors="np"
    ).input_values
    encoder = load_encoder("mhubert-147", weights=tmp_path / "mhubert")
    content = encoder.encode(SPOKEN)
    assert_near(
        content, hidden(reference, 9, Waveform(np.asarray(heard[None], np.float32), 16_000))
    )
    quiet = encoder.encode(Waveform(SPOKEN.samples * np.float32(0.25), 16_000))
    torch.testing.assert_close(content, quiet, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "model_type"), [("contentvec768l12", "wavlm"), ("wavlm-base-plus", "hubert")]
)
@pytest.mark.parametrize("layout", ["folder", "file"])
def test_a_relative_is_not_taken_for_another(
    name: str, model_type: str, layout: str, tmp_path: Path
) -> None:
    weights = tmp_path / "other"
    if layout == "file" and model_type == "wavlm":
        hubert_checkpoints.write_wavlm(weights)
    elif layout == "file":
        checkpoints.write_fairseq(weights, hubert_checkpoints.tiny_hubert())
    elif model_type == "wavlm":
        hubert_checkpoints.tiny_wavlm().save_pretrained(weights)
    else:
        hubert_checkpoints.tiny_hubert().save_pretrained(weights)
    with pytest.raises(FeatureError, match=f"other.*: model_type is '{model_type}', this encoder"):
        load_encoder(name, weights=weights)


def test_a_large_network_is_not_taken_for_a_base_one(tmp_path: Path) -> None:
    hubert_checkpoints.tiny_hubert_large().save_pretrained(tmp_path / "large")
    with pytest.raises(FeatureError, match=r"spin needs a network of 12 layers, this one has 24"):
        load_encoder("spin", weights=tmp_path / "large")


def test_frames_of_another_length_are_refused(tmp_path: Path) -> None:
    """An mHuBERT of 25 frames a second exists, and is another encoder."""
    network = hubert_checkpoints.tiny_hubert()
    network.config.conv_stride = [5, 2, 2, 2, 2, 2, 4]
    network.save_pretrained(tmp_path / "slow")
    with pytest.raises(FeatureError, match=r"this encoder needs .*: 50 frames a second"):
        load_encoder("mhubert-147", weights=tmp_path / "slow")


def _encoder(weights: Path, layer: HiddenLayer) -> HubertEncoder:
    converted = convert_once(weights, HubertEncoder.convert, layout=HubertEncoder.layout)
    return HubertEncoder(converted, name="any", device=torch.device("cpu"), layer=layer)
