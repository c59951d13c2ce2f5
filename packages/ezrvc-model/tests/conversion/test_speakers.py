"""Mixing the speakers of a voice: what a mix and a curve are, and what conversion makes of them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.conversion.speaker_curve import SpeakerCurve, read_speaker_curve
from ezrvc_model.conversion.speaker_mix import SpeakerMix
from ezrvc_model.conversion.speaker_track import SpeakerTrack
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.attention import MultiHeadAttention
from ezrvc_model.testing import untrained_voice

RATE = 24000
CPU = torch.device("cpu")
CSV = "time_s,speaker,weight\n0,ada,1\n2,ada,0\n0,grace,0\n2,grace,3\n"


def test_a_mix_is_read_and_counts_by_ratio() -> None:
    mix = SpeakerMix.parse(" ada : 0.7, C3:PO:2.1 ,grace:0")
    assert mix.speakers == ("ada", "C3:PO", "grace")
    assert mix.shares == pytest.approx({"ada": 0.25, "C3:PO": 0.75})
    assert str(mix) == "ada:0.25,C3:PO:0.75"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ada", "'ada' is not NAME:WEIGHT"),
        ("ada:1,", "'' is not NAME:WEIGHT"),
        (":1", "':1' is not NAME:WEIGHT"),
        ("ada:much", "'much' is not a number"),
        ("ada:1,ada:2", "'ada' is named twice"),
        ("ada:-1,grace:2", "ada has the weight -1; weights are 0 or more"),
        ("ada:nan", "ada has the weight nan"),
        ("ada:inf,grace:1", "ada has the weight inf"),
        ("ada:0,grace:0", r"all weights are 0 \(ada, grace\)"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        SpeakerMix.parse(text)


def test_nobody_is_no_mix() -> None:
    with pytest.raises(ModelError, match="names none"):
        SpeakerMix({})


def test_a_curve_runs_straight_between_its_points_and_is_normalised() -> None:
    curve = SpeakerCurve.of_points(
        [(2, "ada", 0), (1, "ada", 1), (0, "grace", 1), (2, "grace", 3), (0, "joan", 0)]
    )
    assert curve.speakers == ("ada", "grace", "joan")
    shares = curve.shares_at(np.array([0.0, 1.0, 1.5, 9.0]))
    # weights: ada 1 1 0.5 0, grace 1 2 2.5 3
    np.testing.assert_allclose(
        shares, [[1 / 2, 1 / 3, 1 / 6, 0], [1 / 2, 2 / 3, 5 / 6, 1], [0, 0, 0, 0]]
    )


def test_a_curve_is_read_from_either_layout(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "b.csv").write_text("\ufeff" + CSV.split("\n", 1)[1] + "\n", encoding="utf-8")
    rows = [line.split(",") for line in CSV.split()[1:]]
    points = [{"time_s": float(t), "speaker": who, "weight": float(w)} for t, who, w in rows]
    (tmp_path / "c.json").write_text(json.dumps(points), encoding="utf-8")
    expected = SpeakerCurve({"ada": ((0, 1), (2, 0)), "grace": ((0, 0), (2, 3))})
    for name in ("a.csv", "b.csv", "c.json"):
        assert read_speaker_curve(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "has no points"),
        ("a.csv", "time_s,speaker,weight\n", "has no points"),
        ("a.csv", "0,ada\n", "line 1: 2 columns, expected time_s,speaker,weight"),
        ("a.csv", CSV + "later,ada,1\n", "line 6: 'later' is not a number"),
        ("a.csv", CSV + "1,ada,-2\n", "ada at 1 s has the weight -2"),
        ("a.csv", CSV + "2,ada,1\n", "ada at 2 s: comes twice"),
        ("a.csv", CSV + "-1,ada,1\n", "ada at -1 s: times are 0 or more"),
        ("a.csv", "0,ada,1\n3,ada,0\n0,grace,1\n2,grace,0\n", "at 3 s all weights are 0"),
        ("a.json", "[", "not valid JSON"),
        ("a.json", "{}", "expected a list of points with time_s, speaker and weight, got dict"),
        ("a.json", '[{"time_s": 0}]', "point 1: expected an object of time_s, speaker, weight"),
        ("a.json", '[{"time_s": 0, "speaker": "ada", "weight": "1"}]', "point 1: '1' is not a num"),
        ("a.json", '[{"time_s": 0, "speaker": 3, "weight": 1}]', "speaker 3 is not a name"),
        ("absent.csv", None, "cannot be read"),
    ],
)
def test_a_curve_that_cannot_be_is_refused(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=f"{re.escape(str(tmp_path / name))}.*{message}"):
        read_speaker_curve(tmp_path / name)


def test_the_network_is_given_the_shares_of_each_frame() -> None:
    voice = untrained_voice(["ada", "joan", "grace"])  # 93.75 frames a second
    name = SpeakerTrack(voice, "grace", CPU)
    mix = SpeakerTrack(voice, SpeakerMix.parse("ada:1,grace:3"), CPU)
    assert name.between(0, 9).tolist() == [2]
    assert mix.between(0, 9).tolist() == [[0.25, 0, 0.75]]
    change = SpeakerCurve({"ada": ((0, 1), (4, 0)), "grace": ((0, 0), (4, 1))})
    curve = SpeakerTrack(voice, change, CPU)
    expected = np.arange(375) / 375  # grace's share, frame by frame up to 4 s
    whole = curve.between(0, 400)
    assert whole.shape == (1, 3, 400)
    np.testing.assert_allclose(whole[0, 2, :375], expected, atol=1e-6)
    np.testing.assert_allclose(whole[0, 0, :375], 1 - expected, atol=1e-6)
    assert whole[0, :, 380].tolist() == [0, 0, 1]
    assert torch.equal(curve.between(100, 130), whole[..., 100:130])


def test_a_mix_of_one_is_that_speaker(converter: VoiceConverter) -> None:
    sound = speech_like(0.8, RATE)
    grace = converter.convert(sound, "grace").samples
    for mix in (
        SpeakerMix({"grace": 0.3}),
        SpeakerMix({"ada": 0, "grace": 2}),
        SpeakerCurve({"grace": ((0.0, 5.0),)}),
    ):
        assert np.array_equal(converter.convert(sound, mix).samples, grace)
    by_frame = SpeakerCurve({"ada": ((0.0, 0.0),), "grace": ((0.0, 5.0),)})
    np.testing.assert_allclose(converter.convert(sound, by_frame).samples, grace, atol=1e-6)


def test_a_mix_lies_between_and_a_steady_curve_is_that_mix(converter: VoiceConverter) -> None:
    sound = speech_like(0.8, RATE)
    half = SpeakerMix({"ada": 1, "grace": 1})
    mixed = converter.convert(sound, half).samples
    for name in ("ada", "grace"):
        assert np.abs(mixed - converter.convert(sound, name).samples).max() > 1e-3
    curve = SpeakerCurve({"ada": ((0.0, 2.0),), "grace": ((0.0, 2.0), (3.0, 2.0))})
    np.testing.assert_allclose(converter.convert(sound, curve).samples, mixed, atol=1e-6)


def test_a_curve_leads_from_one_speaker_to_the_other(converter: VoiceConverter) -> None:
    """Ada until 2 s, grace from 3 s; the network looks no further than the context of a second."""
    sound = speech_like(6.0, RATE, seed=3)
    curve = SpeakerCurve({"ada": ((2.0, 1.0), (3.0, 0.0)), "grace": ((2.0, 0.0), (3.0, 1.0))})
    settings = ConversionSettings(block_s=1.0)
    led, ada, grace = (
        converter.convert(sound, speaker, settings).samples[0]
        for speaker in (curve, "ada", "grace")
    )
    first, last = slice(0, RATE // 2), slice(round(4.9 * RATE), 6 * RATE)
    np.testing.assert_allclose(led[first], ada[first], atol=1e-5)
    np.testing.assert_allclose(led[last], grace[last], atol=1e-5)
    assert np.abs(led[last] - ada[last]).max() > 1e-3


def test_blocks_of_a_curve_give_what_the_whole_gives(nearby_content, nearby_pitch) -> None:
    """With attention switched off nothing knows where a block ends: only rounding may differ."""
    voice = untrained_voice(["ada", "grace"])
    with torch.no_grad():
        for module in voice.generator.modules():
            if isinstance(module, MultiHeadAttention):
                for parameter in module.output.parameters():
                    parameter.zero_()
    converter = VoiceConverter(
        voice, device="cpu", encoder=nearby_content, f0_estimator=nearby_pitch
    )
    curve = SpeakerCurve({"ada": ((0.5, 1.0), (5.0, 0.0)), "grace": ((0.5, 0.0), (5.0, 1.0))})
    sound = speech_like(6.0, RATE, seed=4)
    whole, blocks = (
        converter.convert(sound, curve, ConversionSettings(block_s=block_s)).samples[0]
        for block_s in (60.0, 1.3)
    )
    assert np.abs(blocks - whole).max() < 1e-4 * np.abs(whole).max()


def test_the_predicted_pitch_is_that_of_the_mix(converter: VoiceConverter) -> None:
    sound = speech_like(0.8, RATE)
    settings = ConversionSettings(predict_f0=True)
    grace = converter.convert(sound, "grace", settings).samples
    by_frame = SpeakerCurve({"ada": ((0.0, 0.0),), "grace": ((0.0, 1.0),)})
    # the last bit of a predicted F0 moves the sines that follow it, more the longer they last
    np.testing.assert_allclose(
        converter.convert(sound, by_frame, settings).samples, grace, atol=1e-3
    )
    half = converter.convert(sound, SpeakerMix({"ada": 1, "grace": 1}), settings).samples
    assert np.abs(half - grace).max() > 1e-2


def test_a_file_and_a_batch_take_mixes(converter: VoiceConverter, tmp_path: Path) -> None:
    write(tmp_path / "in.wav", speech_like(0.4, RATE))
    mix = SpeakerMix.parse("ada:1,grace:3")
    report = converter.convert_file(tmp_path / "in.wav", tmp_path / "out.wav", mix)
    assert report.speaker == "ada:0.25,grace:0.75"
    curve = SpeakerCurve({"ada": ((0.0, 1.0),), "grace": ((0.0, 1.0),)})
    batch = converter.convert_files([(tmp_path / "in.wav", tmp_path / "b.wav")], curve)
    assert batch.files[0].speaker == "ada and grace by a curve"


def test_speakers_that_the_voice_lacks_are_refused(
    converter: VoiceConverter, nearby_content
) -> None:
    sound = speech_like(0.4, RATE)
    curve = SpeakerCurve({"ada": ((0.0, 1.0),), "gracie": ((0.0, 1.0),)})
    for speaker in (SpeakerMix.parse("ada:1,gracie:2"), curve):
        with pytest.raises(ModelError, match="unknown speaker 'gracie'; did you mean 'grace'"):
            converter.convert(sound, speaker)
    alone = VoiceConverter(untrained_voice(["ada"]), device="cpu", encoder=nearby_content)
    with pytest.raises(ModelError, match=r"untrained: this voice has one speaker, 'ada': there is"):
        alone.convert(sound, SpeakerMix.parse("ada:1,grace:2"))
