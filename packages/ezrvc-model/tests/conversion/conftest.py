from dataclasses import dataclass

import numpy as np
import pytest
import torch

from ezrvc_audio.waveform import Waveform
from ezrvc_features.content.mel import MEL
from ezrvc_features.content.windows import SPEECH_HOP, to_speech
from ezrvc_features.f0.base import F0Curve
from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import mel_spectrogram
from ezrvc_features.volume import frame_volume
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.testing import untrained_voice


@dataclass(frozen=True)
class NearbyContent:
    """Mel bands as content; unlike the `mel` encoder's they depend on what is near only."""

    name: str = "nearby"
    version: str = "1"
    dim: int = 80
    frame_rate_hz: float = 50.0

    def encode(self, waveform: Waveform) -> torch.Tensor:
        return (mel_spectrogram(to_speech(waveform), MEL, SPEECH_HOP) + 5) / 3


@dataclass(frozen=True)
class NearbyPitch:
    """A pitch that follows the volume, 0 where it is low: a quick estimator with a known answer."""

    name: str = "nearby"
    version: str = "1"
    range_hz: tuple[float, float] = (50.0, 1100.0)

    def estimate(self, waveform: Waveform, frames: FrameSpec) -> F0Curve:
        samples = torch.from_numpy(waveform.mono().samples[0])
        volume = frame_volume(samples, frames.hop_length).numpy()
        voiced = volume > 0.02
        return F0Curve(np.where(voiced, 100 + 400 * volume, 0).astype(np.float32), voiced)


@pytest.fixture(scope="session")
def converter() -> VoiceConverter:
    """An untrained voice of two speakers at 24 kHz, with quick local content and pitch."""
    return VoiceConverter(
        untrained_voice(["ada", "grace"]),
        device="cpu",
        encoder=NearbyContent(),
        f0_estimator=NearbyPitch(),
    )


@pytest.fixture(scope="session")
def nearby_content() -> NearbyContent:
    return NearbyContent()


@pytest.fixture(scope="session")
def nearby_pitch() -> NearbyPitch:
    return NearbyPitch()
