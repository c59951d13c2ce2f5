from pathlib import Path

import pytest
import torch

from ezrvc_audio.testing import speech_like
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.registry import load_encoder
from ezrvc_features.content.speech_encoder import SpeechEncoder
from ezrvc_features.testing.checkpoints import (
    write_contentvec_folder,
    write_hubert_soft,
    write_whisper_folder,
)
from ezrvc_features.testing.content import ContentConformance
from ezrvc_features.testing.hubert_checkpoints import (
    tiny_hubert,
    tiny_hubert_large,
    write_dphubert,
    write_spin,
    write_wavlm,
)


class TestMel(ContentConformance):
    window_error = 1e-5

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> ContentEncoder:
        return load_encoder("mel")


class TestHubertSoft(ContentConformance):
    window_error = 0.13  # measured 0.120

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        return load_encoder("hubert-soft", weights=write_hubert_soft(folder / "soft.pt"))


class Unpadded(ContentConformance):
    """Encoders that hear the sound as it is: a frame needs 400 samples."""

    def expected_frames(self, n_samples: int) -> int:
        return (n_samples - 80) // 320


class TestContentVec(Unpadded):
    window_error = 0.17  # measured 0.163 and 0.156

    @pytest.fixture(scope="class", params=["contentvec768l12", "contentvec256l9"])
    @classmethod
    def encoder(cls, request: pytest.FixtureRequest, folder: Path) -> ContentEncoder:
        return load_encoder(request.param, weights=write_contentvec_folder(folder / "cv"))


class TestChineseHubertLarge(Unpadded):
    window_error = 0.42  # measured 0.404

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        tiny_hubert_large().save_pretrained(folder / "large")
        return load_encoder("cnhubert-large", weights=folder / "large")


class TestMultilingualHubert(Unpadded):
    window_error = 0.19  # measured 0.181

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        tiny_hubert().save_pretrained(folder / "mhubert")
        return load_encoder("mhubert-147", weights=folder / "mhubert")


class TestSpin(Unpadded):
    window_error = 0.17  # measured 0.163

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        return load_encoder("spin", weights=write_spin(folder / "spin.ckpt"))


class TestWavLM(Unpadded):
    window_error = 0.31  # measured 0.291

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        return load_encoder("wavlm-base-plus", weights=write_wavlm(folder / "wavlm.pt"))


class TestDPHubert(Unpadded):
    window_error = 0.51  # measured 0.490

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        return load_encoder("dphubert", weights=write_dphubert(folder / "dphubert.pth"))


class TestWhisperPpg(ContentConformance):
    @pytest.fixture(
        scope="class", params=["whisper-ppg", "whisper-ppg-padded", "whisper-ppg-large-v3"]
    )
    @classmethod
    def encoder(cls, request: pytest.FixtureRequest, folder: Path) -> ContentEncoder:
        n_mels = 128 if request.param.endswith("v3") else 80
        weights = write_whisper_folder(folder / request.param, n_mels=n_mels)
        return load_encoder(request.param, weights=weights)

    def test_long_sound_in_windows_is_near_one_pass(self, encoder: SpeechEncoder) -> None:
        """Whisper tells positions apart, so frames equal those of their own window's pass."""
        plan = encoder.plan
        spoken = speech_like(1.5 * plan.n_frames / encoder.frame_rate_hz, 16_000, seed=5)
        whole = encoder.encode(spoken)
        first, second = plan.starts(whole.shape[-1])
        for start, inside in ((first, slice(0, second)), (second, slice(plan.n_frames, None))):
            alone = encoder.encode(spoken.cut(start * 320, (start + plan.n_frames) * 320))
            n_inside = whole[:, inside].shape[-1]
            expected = alone[:, :n_inside] if start == 0 else alone[:, -n_inside:]
            torch.testing.assert_close(whole[:, inside], expected, rtol=1e-5, atol=1e-5)
