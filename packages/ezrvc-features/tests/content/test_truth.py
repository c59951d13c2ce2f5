"""Our encoders against the published networks they are, and one layout against another."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor

from ezrvc_audio.testing import speech_like
from ezrvc_features.content.hubert_soft import HubertSoft
from ezrvc_features.content.registry import encoder_dim, encoder_version, load_encoder
from ezrvc_features.content.whisper_ppg import log_mel
from ezrvc_features.testing import checkpoints


def assert_near(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_contentvec_is_transformers_twelfth_layer(tmp_path: Path) -> None:
    spoken = speech_like(1.3, 16_000)
    reference = checkpoints.tiny_contentvec(seed=1)
    with torch.no_grad():
        hidden = reference(torch.from_numpy(spoken.samples), output_hidden_states=True)
    encoder = load_encoder(
        "contentvec768l12", weights=checkpoints.write_contentvec_folder(tmp_path / "cv", seed=1)
    )
    content = encoder.encode(spoken)
    assert_near(content, hidden.hidden_states[12][0].T)
    assert encoder.dim == checkpoints.CONTENTVEC_DIM


def test_contentvec_in_fairseq_layout_is_the_same(tmp_path: Path) -> None:
    spoken = speech_like(0.9, 22_050)
    folder = checkpoints.write_contentvec_folder(tmp_path / "cv")
    file = checkpoints.write_contentvec_fairseq(tmp_path / "checkpoint_best_legacy_500.pt")
    first = load_encoder("contentvec768l12", weights=folder)
    second = load_encoder("contentvec768l12", weights=file)
    assert_near(first.encode(spoken), second.encode(spoken))


def test_contentvec_with_old_names_and_a_pickled_file_is_the_same(tmp_path: Path) -> None:
    """Older folders hold pytorch_model.bin, weight_g and weight_v, and a projection."""
    folder = checkpoints.write_contentvec_folder(tmp_path / "cv")
    state = checkpoints.tiny_contentvec().state_dict()
    conv = "encoder.pos_conv_embed.conv."
    state[f"{conv}weight_g"] = state.pop(f"{conv}parametrizations.weight.original0")
    state[f"{conv}weight_v"] = state.pop(f"{conv}parametrizations.weight.original1")
    state["lm_head.weight"] = torch.zeros(8, checkpoints.CONTENTVEC_DIM)
    old = tmp_path / "old"
    old.mkdir()
    (old / "config.json").write_bytes((folder / "config.json").read_bytes())
    torch.save(state, old / "pytorch_model.bin")
    spoken = speech_like(0.5, 16_000)
    content = load_encoder("contentvec768l12", weights=old).encode(spoken)
    expected = load_encoder("contentvec768l12", weights=folder).encode(spoken)
    assert_near(content, expected)


def test_whisper_is_transformers_encoder(tmp_path: Path) -> None:
    """At exactly the length it has positions for, unpadded and padded are the same thing."""
    spoken = speech_like(checkpoints.WHISPER_POSITIONS / 50, 16_000, seed=2)
    reference = checkpoints.tiny_whisper(seed=1).model.encoder
    features = WhisperFeatureExtractor(feature_size=80, chunk_length=2)(
        spoken.samples[0], sampling_rate=16_000, return_tensors="pt"
    ).input_features
    with torch.no_grad():
        expected = reference(features).last_hidden_state[0].T
    encoder = load_encoder(
        "whisper-ppg", weights=checkpoints.write_whisper_folder(tmp_path / "w", seed=1)
    )
    torch.testing.assert_close(encoder.encode(spoken), expected, rtol=1e-3, atol=1e-3)
    assert encoder.dim == checkpoints.WHISPER_DIM


@pytest.mark.parametrize(("duration_s", "n_mels"), [(0.4, 80), (1.3, 128)])
def test_whisper_padded_is_transformers_whole_pipeline(
    duration_s: float, n_mels: int, tmp_path: Path
) -> None:
    """Short sound, as transformers and so-vits-svc hear it: with silence up to the full length."""
    spoken = speech_like(duration_s, 16_000, seed=2)
    extractor = WhisperFeatureExtractor(feature_size=n_mels, chunk_length=2)
    features = extractor(
        spoken.samples[0], sampling_rate=16_000, return_tensors="pt"
    ).input_features
    with torch.no_grad():
        whole = checkpoints.tiny_whisper(seed=1, n_mels=n_mels).model.encoder(features)
    expected = whole.last_hidden_state[0].T[:, : spoken.n_samples // 320]
    weights = checkpoints.write_whisper_openai(tmp_path / "w.pt", seed=1, n_mels=n_mels)
    padded = load_encoder("whisper-ppg-padded", weights=weights)
    torch.testing.assert_close(padded.encode(spoken), expected, rtol=1e-3, atol=1e-3)
    plain = load_encoder("whisper-ppg", weights=weights)
    assert not torch.allclose(plain.encode(spoken), expected, rtol=1e-1, atol=1e-1)
    assert plain.version != padded.version


def test_whisper_in_openai_layout_is_the_same(tmp_path: Path) -> None:
    spoken = speech_like(0.9, 16_000)
    folder = checkpoints.write_whisper_folder(tmp_path / "w")
    file = checkpoints.write_whisper_openai(tmp_path / "tiny.pt")
    first = load_encoder("whisper-ppg", weights=folder).encode(spoken)
    second = load_encoder("whisper-ppg", weights=file).encode(spoken)
    assert_near(first, second)


@pytest.mark.parametrize("n_samples", [320, 4000, 16_001])
def test_log_mel_is_that_of_transformers(n_samples: int) -> None:
    samples = speech_like(1.5, 16_000).samples[:, :n_samples]
    extractor = WhisperFeatureExtractor(feature_size=80)
    expected = extractor(
        samples[0], sampling_rate=16_000, padding="do_not_pad", return_tensors="pt"
    ).input_features
    ours = log_mel(torch.from_numpy(samples), 80)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def test_hubert_soft_by_hand() -> None:
    """The network of the paper written out with plain functions, on the same weights."""
    network = checkpoints.tiny_hubert_soft(seed=4)
    samples = torch.from_numpy(speech_like(0.5, 16_000).samples)
    with torch.no_grad():
        assert_near(network(samples), _hubert_soft(network, samples))


def test_hubert_soft_from_its_checkpoint(tmp_path: Path) -> None:
    spoken = speech_like(0.7, 16_000)
    encoder = load_encoder("hubert-soft", weights=checkpoints.write_hubert_soft(tmp_path / "a.pt"))
    with torch.no_grad():
        expected = checkpoints.tiny_hubert_soft()(torch.from_numpy(spoken.samples))[0]
    assert_near(encoder.encode(spoken), expected)
    assert encoder.dim == checkpoints.HUBERT_SOFT_DIM


def test_hubert_soft_has_the_published_shape() -> None:
    with torch.device("meta"):
        network = HubertSoft()
    assert sum(value.numel() for value in network.parameters()) == 94_567_680
    with torch.device("meta"):
        assert network(torch.zeros(2, 16_000)).shape == (2, 256, 50)


def test_the_version_follows_the_weights(tmp_path: Path) -> None:
    first = checkpoints.write_hubert_soft(tmp_path / "first.pt", seed=1)
    same = tmp_path / "same.pt"
    same.write_bytes(first.read_bytes())
    other = checkpoints.write_hubert_soft(tmp_path / "other.pt", seed=2)
    version = load_encoder("hubert-soft", weights=first).version
    assert encoder_version("hubert-soft", first) == version
    assert encoder_version("hubert-soft", same) == version
    assert encoder_version("hubert-soft", other) != version
    assert encoder_dim("hubert-soft", first) == checkpoints.HUBERT_SOFT_DIM
    assert encoder_dim("hubert-soft") == 256


def test_loaded_from_the_cache_it_says_the_same(tmp_path: Path, cache: Path) -> None:
    source = checkpoints.write_hubert_soft(tmp_path / "soft.pt")
    spoken = speech_like(0.4, 16_000)
    first = load_encoder("hubert-soft", weights=source).encode(spoken)
    (kept,) = (cache / "encoders").glob("*.safetensors")
    written = kept.stat().st_mtime_ns
    assert torch.equal(load_encoder("hubert-soft", weights=source).encode(spoken), first)
    assert kept.stat().st_mtime_ns == written


def test_a_changed_checkpoint_is_converted_again(tmp_path: Path) -> None:
    source = checkpoints.write_hubert_soft(tmp_path / "soft.pt", seed=1)
    spoken = speech_like(0.4, 16_000)
    first = load_encoder("hubert-soft", weights=source).encode(spoken)
    checkpoints.write_hubert_soft(source, seed=2)
    second = load_encoder("hubert-soft", weights=source).encode(spoken)
    assert not torch.allclose(first, second)


def test_mel_is_normalised_over_the_utterance() -> None:
    content = load_encoder("mel").encode(speech_like(2.0, 16_000)).numpy()
    np.testing.assert_allclose(content.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(content.std(axis=1), 1, atol=1e-3)


def _hubert_soft(network: HubertSoft, samples: torch.Tensor) -> torch.Tensor:
    weights = network.state_dict()
    functional = torch.nn.functional

    def linear(values: torch.Tensor, name: str) -> torch.Tensor:
        return values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(values: torch.Tensor, name: str) -> torch.Tensor:
        scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        centred = values - values.mean(-1, keepdim=True)
        return (
            centred / (values.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt() * scale + shift
        )

    hidden = functional.pad(samples, (40, 40))[:, None]
    for index, stride in enumerate((5, 2, 2, 2, 2, 2, 2)):
        kernel = weights[f"feature_extractor.conv{index}.weight"]
        hidden = functional.conv1d(hidden, kernel, stride=stride)
        if index == 0:  # every channel is normalised over time
            mean, variance = hidden.mean(-1, keepdim=True), hidden.var(-1, False, keepdim=True)
            scale = weights["feature_extractor.norm0.weight"][:, None]
            shift = weights["feature_extractor.norm0.bias"][:, None]
            hidden = (hidden - mean) / (variance + 1e-5).sqrt() * scale + shift
        hidden = functional.gelu(hidden)
    hidden = linear(norm(hidden.mT, "feature_projection.norm"), "feature_projection.projection")
    conv = "positional_embedding.conv"
    positions = functional.conv1d(
        hidden.mT, weights[f"{conv}.weight"], weights[f"{conv}.bias"], padding=8, groups=4
    )
    hidden = norm(hidden + functional.gelu(positions[..., :-1]).mT, "norm")
    for index in range(2):
        layer = f"encoder.layers.{index}"
        packed = hidden @ weights[f"{layer}.self_attn.in_proj_weight"].T
        packed = packed + weights[f"{layer}.self_attn.in_proj_bias"]
        query, key, value = packed.chunk(3, dim=-1)  # one head of 64 channels
        attention = (query @ key.mT / 64**0.5).softmax(-1) @ value
        hidden = norm(hidden + linear(attention, f"{layer}.self_attn.out_proj"), f"{layer}.norm1")
        inner = functional.gelu(linear(hidden, f"{layer}.linear1"))
        hidden = norm(hidden + linear(inner, f"{layer}.linear2"), f"{layer}.norm2")
    return linear(hidden, "proj").mT
