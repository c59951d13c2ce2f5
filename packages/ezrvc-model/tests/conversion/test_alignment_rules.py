from dataclasses import replace

import numpy as np

from ezrvc_audio.testing import speech_like
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.testing import untrained_voice


def test_conversion_gives_unvoiced_frames_the_pitch_that_the_voice_knows(
    nearby_content, nearby_pitch
) -> None:
    voice, sound = untrained_voice(), speech_like(1.0, 24000)

    def convert(unvoiced) -> np.ndarray:
        converter = VoiceConverter(
            replace(voice, unvoiced=unvoiced),
            device="cpu",
            encoder=nearby_content,
            f0_estimator=nearby_pitch,
        )
        return converter.convert(sound).samples

    interpolated = convert("interpolate")
    assert np.array_equal(interpolated, convert("interpolate"))
    assert not np.allclose(interpolated, convert("zero"), atol=1e-4)


def test_conversion_varies_as_much_as_the_voice_says_unless_asked(
    nearby_content, nearby_pitch
) -> None:
    voice, sound = untrained_voice(), speech_like(0.6, 24000)

    def convert(of_voice: float, asked: float | None = None) -> np.ndarray:
        converter = VoiceConverter(
            replace(voice, noise_scale=of_voice),
            device="cpu",
            encoder=nearby_content,
            f0_estimator=nearby_pitch,
        )
        return converter.convert(sound, settings=ConversionSettings(noise_scale=asked)).samples

    assert np.array_equal(convert(0.9), convert(0.4, asked=0.9))
    assert np.array_equal(convert(0.9, asked=0.0), convert(0.4, asked=0.0))
    assert not np.array_equal(convert(0.9), convert(0.4))
