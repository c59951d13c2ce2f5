"""What ships works as it comes: whole, small, described, intelligible, and another voice."""

from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.reading import read
from ezrvc_cli.demo.samples import unpack_samples
from ezrvc_cli.testing import Command
from ezrvc_eval import EvaluationConfig, EvaluationItem, Scorer
from ezrvc_eval.testing import join_whisper_base
from ezrvc_features.content.registry import encoder_dim
from ezrvc_model.builtin import built_in_voice
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.presets import load_preset
from ezrvc_model.training.bases.reading import read_base
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_folder import resolve_voice

RECORDINGS = Path(__file__).parent / "recordings"
SAID = {
    "nova": "The curious musician painted the blue vase beneath the bridge. At first, the quiet "
    "student hid an orange balloon last winter, until the rain finally stopped.",
    "puck": "Is there any chance that the rain will stop before lunch? The scientists published a "
    "short report about the silent volcano.",
}
"""By the voices of the samples, none of which the built-in voice was trained on."""
WORST_WER = 0.15
LEAST_SIMILARITY = 0.75


def test_what_ships_is_whole_small_and_described() -> None:
    folder = built_in_voice("base")
    voice = VoiceModel.load(folder)
    assert len(voice.speakers) >= 4
    assert voice.card.speakers.keys() == voice.speakers.keys() == voice.card.f0.keys()
    assert all(voice.card.speakers.values())
    medians = sorted(each.median_hz for each in voice.card.f0.values())
    assert medians[1] < 140 < 160 < medians[-2]  # two men and two women at least
    assert (voice.card.licence, voice.card.consent.given) == ("Apache-2.0", True)
    assert not voice.card.training.untrained
    for source in ("Kokoro", "LibriSpeech", "CC BY 4.0", "CC BY 3.0", "CC0", "Whisper"):
        assert source in voice.card.origin.note
    files_of = {path.name: path.stat().st_size / 1e6 for path in folder.iterdir()}
    assert sum(files_of.values()) < 20
    assert files_of["discriminator.safetensors"] < 6


def test_new_voices_of_its_preset_can_start_from_it(tmp_path: Path) -> None:
    preset = SynthesizerConfig.from_tree(load_preset("base-24k")["model"])
    voice = VoiceModel.load(built_in_voice("base"))
    assert voice.config.model_copy(update={"n_speakers": preset.n_speakers}) == preset
    assert voice.features.encoder == "soft-units"
    assert encoder_dim("soft-units") == preset.content_dim
    base = read_base("builtin:base", tmp_path, preset)
    assert base.discriminator is not None
    assert any(name.startswith("posterior_encoder.") for name in base.generator)


def test_a_recording_becomes_the_first_built_in_voice_with_no_other_argument(
    home: Path, ezrvc: Command
) -> None:
    source = next(each for each in unpack_samples(home).sources if "puck" in each.stem)
    out = home / "out.wav"
    finished = ezrvc("convert", source, "-o", out)
    assert finished.code == 0, finished.err
    assert "'willow'" in finished.out
    assert "+9 semitones" in finished.out  # from a man's pitch to a woman's, by itself
    assert read(out).duration_s == pytest.approx(read(source).duration_s, abs=1e-3)
    assert "willow" in ezrvc("voices").out
    assert resolve_voice(home / "models").speaker == "willow"


@pytest.fixture(scope="module")
def whisper_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recogniser that tests may use: its weights are packages of the development group."""
    return join_whisper_base(tmp_path_factory.mktemp("whisper-base"))


def test_conversions_are_understood_and_sound_like_their_target(
    home: Path, ezrvc: Command, whisper_base: Path
) -> None:
    items: list[EvaluationItem] = []
    for source in unpack_samples(home).sources:
        words = SAID[source.stem.removeprefix("source-")]
        for speaker in ("willow", "flint"):
            out = home / f"{source.stem}_{speaker}.wav"
            assert ezrvc("convert", source, "--speaker", speaker, "-o", out).code == 0
            recording = RECORDINGS / f"{speaker}.opus"
            items.append(
                EvaluationItem(
                    name=out.stem, converted=out, reference=source, text=words, target=(recording,)
                )
            )
    metrics = ("wer", "speaker_similarity", "nearer_target", "f0_correlation", "clicks")
    config = EvaluationConfig(metrics=metrics, whisper=str(whisper_base), language="en")
    summary = Scorer(config, device="cpu").score(items).summary
    assert summary["wer"].value <= WORST_WER
    assert summary["nearer_target"].value == 1
    assert summary["speaker_similarity"].value >= LEAST_SIMILARITY
    assert summary["f0_correlation"].value >= 0.95
    assert summary["clicks"].value == 0
    loudest = max(float(np.abs(read(item.converted).samples).max()) for item in items)
    assert 0.05 < loudest <= 1
