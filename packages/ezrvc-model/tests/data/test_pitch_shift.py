"""Sound, pitch and content of a shifted clip stay together."""

import dataclasses

import numpy as np
import pytest
import torch

from ezrvc_audio.testing import tone
from ezrvc_features.frames import FrameSpec
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.pitch_shift import shift_pitch

FRAMES = FrameSpec(sample_rate=24000, hop_length=240)


def clip(n_frames: int = 200) -> TrainingClip:
    features = UtteranceFeatures(
        content=torch.arange(n_frames, dtype=torch.float32).expand(3, -1),
        f0=torch.full((n_frames,), 220.0),
        voiced=torch.ones(n_frames),
        volume=torch.linspace(0, 1, n_frames),
    )
    audio = torch.from_numpy(tone(220, n_frames / 100, 24000).samples[0])
    return TrainingClip("audio/ada/1.wav", 0, features, audio, bandwidth_hz=4000.0)


@pytest.mark.parametrize("semitones", [-5.0, 0.37, 12.0])
def test_everything_moves_together(semitones: float) -> None:
    whole, faster = clip(), 2 ** (semitones / 12)
    shifted = shift_pitch(whole, semitones, FRAMES)
    assert shifted.n_frames == pytest.approx(200 / faster, abs=1)
    assert shifted.audio.shape == (shifted.n_frames * 240,)
    torch.testing.assert_close(
        shifted.features.f0, torch.full((shifted.n_frames,), 220 * faster), rtol=1e-4, atol=0
    )
    middle = shifted.audio[2400:-2400].numpy()
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 2**18))
    assert spectrum.argmax() * 24000 / 2**18 == pytest.approx(220 * faster, rel=1e-3)
    # frame i of the result is heard at frame i * faster of the clip
    places = (torch.arange(shifted.n_frames) + 0.5) * faster - 0.5
    assert (shifted.features.content[0] - places).abs().max() <= 1
    torch.testing.assert_close(shifted.features.volume * 199, shifted.features.content[0])
    assert shifted.bandwidth_hz == pytest.approx(4000 * faster, rel=1e-4)


def test_an_unknown_bandwidth_stays_unknown() -> None:
    whole = dataclasses.replace(clip(), bandwidth_hz=float("inf"))
    assert shift_pitch(whole, 3.0, FRAMES).bandwidth_hz == float("inf")
