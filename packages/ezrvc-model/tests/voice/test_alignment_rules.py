from pathlib import Path

from ezrvc_model.testing import untrained_voice
from ezrvc_model.voice import VoiceModel


def test_a_voice_remembers_how_its_features_are_aligned(tmp_path: Path) -> None:
    voice = untrained_voice()
    assert (voice.stretch, voice.unvoiced) == ("nearest", "interpolate")
    foreign = VoiceModel(
        voice.config,
        voice.generator,
        voice.speakers,
        voice.features,
        voice.card,
        stretch="left",
        unvoiced="zero",
    )
    foreign.save(tmp_path / "foreign")
    loaded = VoiceModel.load(tmp_path / "foreign")
    assert (loaded.stretch, loaded.unvoiced) == ("left", "zero")
