from dataclasses import replace
from pathlib import Path

import pytest

from ezrvc_model.errors import ModelError
from ezrvc_model.testing import untrained_voice
from ezrvc_model.voice import VoiceModel


def test_a_voice_remembers_how_its_features_are_aligned_and_how_much_it_varies(
    tmp_path: Path,
) -> None:
    voice = untrained_voice()
    assert (voice.stretch, voice.unvoiced, voice.noise_scale) == (
        "nearest",
        "interpolate",
        0.4,
    )
    foreign = VoiceModel(
        voice.config,
        voice.generator,
        voice.speakers,
        voice.features,
        voice.card,
        stretch="left",
        unvoiced="zero",
        noise_scale=0.66666,
    )
    foreign.save(tmp_path / "foreign")
    loaded = VoiceModel.load(tmp_path / "foreign")
    assert (loaded.stretch, loaded.unvoiced, loaded.noise_scale) == (
        "left",
        "zero",
        0.66666,
    )
    foreign.noise_scale = -1.0
    with pytest.raises(ModelError, match="noise_scale"):
        replace(foreign)
