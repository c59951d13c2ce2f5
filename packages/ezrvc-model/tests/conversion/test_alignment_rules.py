from dataclasses import replace

import numpy as np

from ezrvc_audio.testing import speech_like
from ezrvc_model.conversion.converter import VoiceConverter
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
