"""The conformance class, passed by every encoder of the registry."""

from pathlib import Path
from typing import ClassVar

import pytest
import torch

from ezrvc_audio.testing import speech_like
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.registry import list_encoders, load_encoder
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each class is run for every encoder that it names."""
    if metafunc.cls is not None:
        metafunc.parametrize("name", metafunc.cls.names, scope="class")


class Conformance(ContentConformance):
    names: ClassVar[tuple[str, ...]] = ()
    """The encoders that a class is run for."""


class TestSoftUnits(Conformance):
    names = ("soft-units",)
    window_error = 0.5

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str) -> ContentEncoder:
        return load_encoder(name, device="cpu")


class TestMel(Conformance):
    names = ("mel",)
    window_error = 1e-5

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str) -> ContentEncoder:
        return load_encoder(name)


class TestHubertSoft(Conformance):
    names = ("hubert-soft",)
    window_error = 0.13  # measured 0.120

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str, folder: Path) -> ContentEncoder:
        return load_encoder(name, weights=write_hubert_soft(folder / "soft.pt"))


class Unpadded(Conformance):
    """Encoders that hear the sound as it is: a frame needs 400 samples."""

    def expected_frames(self, n_samples: int) -> int:
        return (n_samples - 80) // 320


class TestContentVec(Unpadded):
    names = ("contentvec768l12", "contentvec768l9", "contentvec256l12", "contentvec256l9")
    window_error = 0.17  # measured 0.163 and 0.156

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str, folder: Path) -> ContentEncoder:
        return load_encoder(name, weights=write_contentvec_folder(folder / "cv"))


class TestChineseHubertLarge(Unpadded):
    names = ("cnhubert-large",)
    window_error = 0.42  # measured 0.404

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str, folder: Path) -> ContentEncoder:
        tiny_hubert_large().save_pretrained(folder / "large")
        return load_encoder(name, weights=folder / "large")


class TestMultilingualHubert(Unpadded):
    names = ("mhubert-147",)
    window_error = 0.19  # measured 0.181

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str, folder: Path) -> ContentEncoder:
        tiny_hubert().save_pretrained(folder / "mhubert")
        return load_encoder(name, weights=folder / "mhubert")


class TestSpin(Unpadded):
    names = ("spin",)
    window_error = 0.17  # measured 0.163

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str, folder: Path) -> ContentEncoder:
        return load_encoder(name, weights=write_spin(folder / "spin.ckpt"))


class TestWavLM(Unpadded):
    names = ("wavlm-base-plus",)
    window_error = 0.31  # measured 0.291

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str, folder: Path) -> ContentEncoder:
        return load_encoder(name, weights=write_wavlm(folder / "wavlm.pt"))


class TestDPHubert(Unpadded):
    names = ("dphubert",)
    window_error = 0.51  # measured 0.490

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str, folder: Path) -> ContentEncoder:
        return load_encoder(name, weights=write_dphubert(folder / "dphubert.pth"))


class TestWhisperPpg(Conformance):
    names = (
        "whisper-ppg-tiny",
        "whisper-ppg-base",
        "whisper-ppg-small",
        "whisper-ppg",
        "whisper-ppg-large",
        "whisper-ppg-large-v3",
        "whisper-ppg-padded",
        "whisper-ppg-large-padded",
    )

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, name: str, folder: Path) -> ContentEncoder:
        n_mels = 128 if name.endswith("v3") else 80
        return load_encoder(name, weights=write_whisper_folder(folder / name, n_mels=n_mels))

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


def test_every_encoder_is_checked_here() -> None:
    classes = (Conformance, *Conformance.__subclasses__(), *Unpadded.__subclasses__())
    checked = [name for each in classes for name in each.names]
    assert sorted(checked) == sorted(entry.name for entry in list_encoders())
