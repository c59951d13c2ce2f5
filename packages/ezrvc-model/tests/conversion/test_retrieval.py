"""Retrieval in conversion: asked for, refused, the same in pieces as in one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.frames import FrameSpec
from ezrvc_features.retrieval import IndexRetriever, KMeansRetriever, Retriever
from ezrvc_model.conversion import ConversionSettings, VoiceConverter
from ezrvc_model.conversion.content import WindowContent
from ezrvc_model.conversion.retrieval import ContentRetrieval
from ezrvc_model.conversion.speaker_mix import SpeakerMix
from ezrvc_model.conversion.windows import SlidingSource
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import untrained_voice
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_retrieval import add_retrieval

SOUND = speech_like(2.4, 24000, seed=4)
Open = Callable[[Retriever], VoiceConverter]


@pytest.fixture
def open_voice(tmp_path: Path, nearby_content, nearby_pitch) -> Open:
    """A converter for a voice of ada, who has retrieval, and grace, who has not."""

    def open_converter(retriever: Retriever) -> VoiceConverter:
        folder = tmp_path / "voice"
        untrained_voice(["ada", "grace"]).save(folder)
        add_retrieval(folder, 0, retriever, 80, origin="for tests")
        return VoiceConverter(
            VoiceModel.load(folder),
            device="cpu",
            encoder=nearby_content,
            f0_estimator=nearby_pitch,
        )

    return open_converter


@pytest.fixture
def own_vectors(nearby_content) -> np.ndarray:
    """Content of another recording."""
    return nearby_content.encode(speech_like(3.0, 24000, seed=9)).numpy().T


def how(ratio: float, protect: float = 0.33, *, block_s: float = 10.0) -> ConversionSettings:
    return ConversionSettings(
        retrieval_ratio=ratio, protect=protect, block_s=block_s, noise_scale=0.0
    )


def test_retrieval_changes_the_sound_and_ratio_0_does_not(
    open_voice: Open, own_vectors: np.ndarray, converter: VoiceConverter
) -> None:
    with_vectors = open_voice(IndexRetriever(own_vectors))
    plain = converter.convert(SOUND, "ada", how(0)).samples
    np.testing.assert_array_equal(with_vectors.convert(SOUND, "ada", how(0)).samples, plain)
    half = with_vectors.convert(SOUND, "ada", how(0.5)).samples
    whole = with_vectors.convert(SOUND, "ada", how(1)).samples
    assert np.abs(half - plain).max() > 1e-4
    assert np.abs(whole - half).max() > 1e-4
    unprotected = with_vectors.convert(SOUND, "ada", how(1, 0.5)).samples
    assert np.abs(unprotected - whole).max() > 1e-4


def test_content_found_in_itself_leaves_the_sound_as_it_is(
    open_voice: Open, nearby_content, nearby_pitch, converter: VoiceConverter
) -> None:
    # every vector of this recording is known: the nearest is the vector itself
    content = nearby_content.encode(SOUND)
    found = open_voice(KMeansRetriever(content.numpy().T)).convert(SOUND, "ada", how(1))
    plain = converter.convert(SOUND, "ada", how(0))
    np.testing.assert_allclose(found.samples, plain.samples, atol=1e-5)


@pytest.mark.parametrize("method", [IndexRetriever, KMeansRetriever])
def test_windows_of_content_equal_the_whole(
    method: type[IndexRetriever], own_vectors: np.ndarray, nearby_content
) -> None:
    frames = FrameSpec(24000, 256)
    total = -(-SOUND.n_samples // 256) + 40
    voiced = np.random.default_rng(0).random(total) > 0.5
    retrieval = ContentRetrieval(method(own_vectors), 0.8, 0.2, voiced)

    def read(start: int, end: int, moved: ContentRetrieval | None) -> torch.Tensor:
        content = WindowContent(
            nearby_content, FeatureAligner(frames), SOUND.n_samples, total, moved
        )
        return content.read(SlidingSource([SOUND]), start, end)

    whole, plain = read(0, total, retrieval), read(0, total, None)
    assert not torch.equal(whole, plain)
    for start, end in ((0, 90), (60, 180), (150, total)):
        window = read(start, end, retrieval)
        edge = 8  # the encoder's own window is cut at its ends
        inside = slice(edge, end - start - edge)
        torch.testing.assert_close(window[:, inside], whole[:, start:end][:, inside])


def test_only_voiceless_frames_are_mixed_back(own_vectors: np.ndarray) -> None:
    voiced = np.array([False, True, False, True, True])
    retrieval = ContentRetrieval(IndexRetriever(own_vectors), 1.0, 0.25, voiced)
    original = torch.zeros(80, 3)
    blended = torch.ones(80, 3)
    protected = retrieval.protected(blended, original, 2)  # frames 2, 3 and 4
    assert protected[0].tolist() == [0.25, 1.0, 1.0]


def test_blocks_give_the_sound_of_one_block(open_voice: Open, own_vectors: np.ndarray) -> None:
    voice = open_voice(IndexRetriever(own_vectors))
    one = voice.convert(SOUND, "ada", how(0.7)).samples
    many = voice.convert(SOUND, "ada", how(0.7, block_s=1.0)).samples
    difference = np.sqrt(np.mean((one - many) ** 2) / np.mean(one**2))
    assert difference < 0.01  # the network's attention sees other windows, retrieval does not


def test_a_voice_without_vectors_says_how_to_get_them(
    open_voice: Open, own_vectors: np.ndarray, converter: VoiceConverter, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="`ezrvc models retrieval untrained`") as none:
        converter.convert(SOUND, "ada", how(0.5))
    assert "\n" not in str(none.value)
    with pytest.raises(ModelError, match="no retrieval vectors for 'grace'"):
        open_voice(IndexRetriever(own_vectors)).convert(SOUND, "grace", how(0.5))
    write(tmp_path / "in.wav", SOUND)
    with pytest.raises(ModelError, match="no retrieval vectors"):
        converter.convert_files([(tmp_path / "in.wav", tmp_path / "out.wav")], "ada", how(0.5))
    assert not (tmp_path / "out.wav").exists()


def test_a_mix_of_speakers_has_no_retrieval(open_voice: Open, own_vectors: np.ndarray) -> None:
    voice = open_voice(IndexRetriever(own_vectors))
    mix = SpeakerMix({"ada": 0.5, "grace": 0.5})
    with pytest.raises(ModelError, match="retrieval goes with one speaker"):
        voice.convert(SOUND, mix, how(0.5))
    assert voice.convert(SOUND, mix, how(0)).n_samples == SOUND.n_samples


def test_the_vectors_travel_with_the_voice(
    open_voice: Open, own_vectors: np.ndarray, tmp_path: Path
) -> None:
    voice = open_voice(IndexRetriever(own_vectors)).voice
    assert list(voice.retrieval) == ["ada"]
    voice.save(tmp_path / "copy", storage="float16")
    copy = VoiceModel.load(tmp_path / "copy")
    assert copy.retrieval == {"ada": tmp_path / "copy" / "retrieval" / "speaker-0.safetensors"}
    voice.save(tmp_path / "voice")  # onto itself
    again = VoiceModel.load(tmp_path / "voice")
    assert again.retrieval["ada"].read_bytes() == copy.retrieval["ada"].read_bytes()
    with pytest.raises(ModelError, match="unknown speaker 'eve'"):
        replace(voice, retrieval={"eve": voice.retrieval["ada"]})


def test_vectors_that_do_not_fit_are_refused_when_the_voice_is_opened(
    open_voice: Open, own_vectors: np.ndarray, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="60 wide, the voice's content is 80"):
        open_voice(IndexRetriever(own_vectors[:, :60]))
    open_voice(IndexRetriever(own_vectors))
    path = tmp_path / "voice" / "retrieval" / "speaker-0.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"speaker-0\.safetensors.* cannot be read") as damaged:
        VoiceModel.load(tmp_path / "voice")
    assert "\n" not in str(damaged.value)
