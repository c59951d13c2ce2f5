"""The speaker encoder with its published weights, against the published program."""

import hashlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from ezrvc_audio.resampling import resample
from ezrvc_audio.testing import noise, silence, speech_like, stereo
from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import silent
from ezrvc_device.weights import UrlSource
from ezrvc_features.errors import FeatureError
from ezrvc_features.speaker import encoder as module
from ezrvc_features.speaker.encoder import (
    SpeakerEncoder,
    load_speaker_encoder,
    mean_embedding,
    similarity,
)
from ezrvc_features.speaker.ge2e import Ge2eNetwork


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeakerEncoder]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EZRVC_HOME", str(tmp_path_factory.mktemp("home")))
        yield load_speaker_encoder("cpu")


@pytest.fixture(scope="module")
def published() -> Iterator[Any]:
    """Resemblyzer itself; a stand-in for its voice detector makes it importable."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports from where scipy and librosa used to be
        patch.setitem(sys.modules, "webrtcvad", ModuleType("webrtcvad"))
        import resemblyzer

        yield resemblyzer
    for name in [name for name in sys.modules if name.split(".")[0] == "resemblyzer"]:
        del sys.modules[name]


def joined(*sounds: Waveform) -> Waveform:
    return Waveform(
        np.concatenate([sound.samples for sound in sounds], axis=1), sounds[0].sample_rate
    )


@pytest.mark.parametrize("duration_s", [0.5, 1.6, 2.5, 7.3])
@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_embeddings_are_those_of_the_published_program(
    encoder: SpeakerEncoder, published: Any, duration_s: float, gain: float
) -> None:
    """Its preprocessing and network on synthetic speech, both without trimming silence."""
    sound = speech_like(duration_s, 16000, seed=3, f0_hz=140.0)
    samples = sound.samples[0] * np.float32(gain)
    voice_encoder = published.VoiceEncoder("cpu", verbose=False)
    levelled = published.normalize_volume(samples, -30, increase_only=True)
    expected = voice_encoder.embed_utterance(levelled.astype(np.float32))
    found = encoder.embed(Waveform(samples, 16000), trim_pauses=False)
    assert found.shape == (256,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_silence_around_and_between_changes_nothing(encoder: SpeakerEncoder) -> None:
    spoken = speech_like(4.0, 16000, seed=1)
    pause = silence(3.0, 16000)
    plain = encoder.embed(spoken)
    assert similarity(plain, encoder.embed(joined(pause, spoken, pause))) > 0.995
    twice = encoder.embed(joined(spoken, spoken))
    assert similarity(twice, encoder.embed(joined(spoken, pause, spoken))) > 0.98


def test_the_same_voice_is_more_alike_than_another(encoder: SpeakerEncoder) -> None:
    low, low_again = (speech_like(6.0, 16000, seed=seed, f0_hz=95.0) for seed in (1, 2))
    high = speech_like(6.0, 16000, seed=3, f0_hz=260.0, formant_scale=1.25)
    first, second, other = (encoder.embed(sound) for sound in (low, low_again, high))
    assert similarity(first, second) > similarity(first, other) + 0.1


def test_rate_channels_and_runs_do_not_matter(encoder: SpeakerEncoder) -> None:
    spoken = speech_like(3.0, 44100, seed=5)
    first = encoder.embed(spoken)
    np.testing.assert_array_equal(first, encoder.embed(spoken))
    np.testing.assert_allclose(first, encoder.embed(stereo(spoken, spoken)), atol=1e-5)
    assert similarity(first, encoder.embed(resample(spoken, 48000))) > 0.999
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)
    assert (first >= 0).all()


def test_a_long_recording_is_heard_in_batches(
    encoder: SpeakerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = speech_like(8.0, 16000, seed=6)
    whole = encoder.embed(spoken)
    monkeypatch.setattr(module, "_PARTIALS_PER_BATCH", 3)
    np.testing.assert_allclose(encoder.embed(spoken), whole, atol=1e-5)


@pytest.mark.parametrize("trim", [True, False])
def test_silence_is_no_voice(encoder: SpeakerEncoder, trim: bool) -> None:
    with pytest.raises(FeatureError, match=r"only silence in 2\.00 s"):
        encoder.embed(silence(2.0, 16000), trim_pauses=trim)


def test_the_hiss_of_a_converter_is_no_voice(encoder: SpeakerEncoder) -> None:
    with pytest.raises(FeatureError, match="only silence"):
        encoder.embed(noise(2.0, 16000, amplitude=1e-4))


@pytest.mark.parametrize("trim", [True, False])
def test_too_short_a_sound_is_refused(encoder: SpeakerEncoder, trim: bool) -> None:
    blip = speech_like(2.0, 16000, seed=1).cut(8000, 8000 + 3000)
    with pytest.raises(FeatureError, match=r"s of sound, and a voice takes at least 0\.4 s"):
        encoder.embed(blip, trim_pauses=trim)


def test_similarity_is_the_cosine() -> None:
    left, right = np.array([3.0, 4.0], np.float32), np.array([4.0, 3.0], np.float32)
    assert similarity(left, right) == pytest.approx(24 / 25)
    assert similarity(left, -left) == pytest.approx(-1)
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        similarity(left, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="zero"):
        similarity(left, np.zeros(2, np.float32))


def test_the_mean_is_the_direction_in_the_middle() -> None:
    east, north = np.array([1.0, 0.0], np.float32), np.array([0.0, 1.0], np.float32)
    np.testing.assert_allclose(mean_embedding([east, north]), [0.5**0.5] * 2, rtol=1e-6)
    with pytest.raises(ValueError, match="no embeddings"):
        mean_embedding([])


def test_weights_of_ones_own_are_named_in_the_version(
    tmp_path: Path, encoder: SpeakerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    torch.manual_seed(0)
    path = tmp_path / "own.pt"
    torch.save({"step": 1, "model_state": Ge2eNetwork().state_dict()}, path)
    assert load_speaker_encoder("cpu", weights=path).version != encoder.version
    torch.save({"model_state": {"linear.bias": torch.zeros(256)}}, path)
    with pytest.raises(FeatureError, match=r"missing: linear\.weight, lstm"):
        load_speaker_encoder("cpu", weights=path)


def test_without_the_package_the_weights_come_from_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    monkeypatch.setenv("EZRVC_OFFLINE", "1")
    assert module.speaker_encoder_at_hand()
    monkeypatch.setattr(module, "weights_present", lambda spec: False)
    assert not module.speaker_encoder_at_hand()
    with pytest.raises(FeatureError, match=r"speaker encoder \(17 MB\) are not here: .*offline"):
        load_speaker_encoder("cpu")


def test_the_hash_of_the_published_file_is_that_of_the_installed_one() -> None:
    path = module._fetched(silent)
    source = module._PUBLISHED.source
    assert isinstance(source, UrlSource)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256
