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


class TestMel(ContentConformance):
    window_error = 1e-5

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> ContentEncoder:
        return load_encoder("mel")


class TestHubertSoft(ContentConformance):
    window_error = 0.05  # measured 0.042

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        return load_encoder("hubert-soft", weights=write_hubert_soft(folder / "soft.pt"))


class TestContentVec(ContentConformance):
    window_error = 0.15  # measured 0.133

    def expected_frames(self, n_samples: int) -> int:
        return (n_samples - 80) // 320

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        return load_encoder(
            "contentvec768l12",
            weights=write_contentvec_folder(folder / "cv"),
        )


class TestWhisperPpg(ContentConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, folder: Path) -> ContentEncoder:
        return load_encoder(
            "whisper-ppg",
            weights=write_whisper_folder(folder / "whisper"),
        )

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
