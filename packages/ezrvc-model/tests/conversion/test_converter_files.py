"""What every conversion of files promises."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ezrvc_audio.errors import AudioError
from ezrvc_audio.reading import read
from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import untrained_voice
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import F0Range

RATE = 24000


def test_a_file_gives_what_its_sound_gives(converter: VoiceConverter, tmp_path: Path) -> None:
    source = tmp_path / "take 1.wav"
    soundfile.write(source, speech_like(1.3, 44100).samples.T.repeat(2, axis=1), 44100, "FLOAT")
    report = converter.convert_file(source, tmp_path / "out" / "result.wav", "grace")
    result = read(report.output)
    expected = converter.convert(read(source), "grace").samples
    assert result.samples.shape == expected.shape == (1, round(1.3 * RATE))
    np.testing.assert_allclose(result.samples, expected, atol=1 / 32768)
    assert (report.input, report.speaker, report.voice) == (source, "grace", "untrained")
    assert report.duration_s == pytest.approx(1.3)
    assert report.real_time_factor == pytest.approx(report.elapsed_s / report.duration_s)
    assert report.elapsed_s > 0
    assert not report.silent
    assert report.advice == ()


@pytest.mark.parametrize("n_samples", [882, 883, 44100, 70001])
def test_files_keep_their_length(converter: VoiceConverter, tmp_path: Path, n_samples: int) -> None:
    samples = speech_like(2.0, 44100).samples[0, :n_samples]
    soundfile.write(tmp_path / "in.wav", samples, 44100)
    report = converter.convert_file(tmp_path / "in.wav", tmp_path / "out.flac")
    assert soundfile.info(report.output).frames == round(n_samples * RATE / 44100)


def test_a_silent_file_is_said_to_be_silent(converter: VoiceConverter, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", np.zeros(44100), 44100)
    report = converter.convert_file(tmp_path / "in.wav", tmp_path / "out.wav")
    assert report.silent
    assert read(report.output).n_samples == RATE
    assert not read(report.output).samples.any()


def test_progress_goes_through_analysis_and_conversion(
    converter: VoiceConverter, tmp_path: Path
) -> None:
    write(tmp_path / "in.wav", speech_like(4.0, RATE))
    told: list[tuple[str, float, float | None]] = []
    converter.convert_file(
        tmp_path / "in.wav",
        tmp_path / "out.wav",
        settings=ConversionSettings(block_s=1.0),
        progress=lambda step, completed, total=None: told.append((step, completed, total)),
    )
    assert list(dict.fromkeys(step for step, _, _ in told)) == ["analyse", "convert"]
    for step in ("analyse", "convert"):
        completed = [done for name, done, _ in told if name == step]
        assert completed == sorted(completed)
        assert completed[-1] == pytest.approx(4.0)
        assert {total for name, _, total in told if name == step} == {4.0}


def test_failure_leaves_no_output_and_keeps_an_older_one(
    converter: VoiceConverter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in.wav", speech_like(3.0, RATE))
    (tmp_path / "old.wav").write_bytes(b"older result")

    def fail_late(*_: object, **__: object) -> Iterator[np.ndarray]:
        yield np.zeros(100, np.float32)
        raise KeyboardInterrupt

    monkeypatch.setattr("ezrvc_model.conversion.assembly.Assembly.add", fail_late)
    for name in ("new.wav", "old.wav"):
        with pytest.raises(KeyboardInterrupt):
            converter.convert_file(tmp_path / "in.wav", tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "old.wav"]
    assert (tmp_path / "old.wav").read_bytes() == b"older result"


def test_the_input_is_never_overwritten(converter: VoiceConverter, tmp_path: Path) -> None:
    write(tmp_path / "in.wav", speech_like(0.2, RATE))
    before = (tmp_path / "in.wav").read_bytes()
    with pytest.raises(ModelError, match="is the input itself; name another output"):
        converter.convert_file(tmp_path / "in.wav", tmp_path / "." / "in.wav")
    assert (tmp_path / "in.wav").read_bytes() == before


def test_an_unknown_format_is_refused_before_any_work(
    converter: VoiceConverter, tmp_path: Path
) -> None:
    write(tmp_path / "in.wav", speech_like(0.2, RATE))

    def never(step: str, completed: float, total: float | None = None) -> None:
        raise AssertionError(step)

    with pytest.raises(AudioError, match=r"\.xyz"):
        converter.convert_file(tmp_path / "in.wav", tmp_path / "out.xyz", progress=never)


def test_one_bad_file_never_stops_a_batch(converter: VoiceConverter, tmp_path: Path) -> None:
    write(tmp_path / "good.wav", speech_like(0.3, RATE))
    (tmp_path / "words.wav").write_bytes(b"these are words" * 9)
    soundfile.write(tmp_path / "short.wav", np.ones(100), RATE)
    write(tmp_path / "last.wav", speech_like(0.2, RATE))
    names = ["good.wav", "words.wav", "missing.wav", "short.wav", "last.wav"]
    report = converter.convert_files([(tmp_path / n, tmp_path / "out" / n) for n in names])
    assert [file.input.name for file in report.files] == ["good.wav", "last.wav"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["good.wav", "last.wav"]
    assert report.duration_s == pytest.approx(0.5)
    reasons = {path.name: reason for path, reason in report.failures}
    assert list(reasons) == ["words.wav", "missing.wav", "short.wav"]
    assert all(name in reason and "\n" not in reason for name, reason in reasons.items())
    assert "20 ms" in reasons["short.wav"]


def test_an_unknown_speaker_stops_a_batch_at_once(
    converter: VoiceConverter, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="unknown speaker 'bob'"):
        converter.convert_files([(tmp_path / "a.wav", tmp_path / "b.wav")], "bob")


def _advice(
    nearby_content, nearby_pitch, tmp_path: Path, settings: ConversionSettings, **voice: object
) -> tuple[str, ...]:
    made: VoiceModel = untrained_voice()
    made.encoder_version = str(voice.get("encoder_version", nearby_content.version))
    f0 = F0Range(low_hz=300.0, median_hz=400.0, high_hz=500.0)
    made.card = made.card.model_copy(update={"f0": {"ada": f0}})
    converter = VoiceConverter(
        made, device="cpu", encoder=nearby_content, f0_estimator=nearby_pitch
    )
    # the estimator hears 100 Hz and 400 Hz more for each unit of RMS: 200 Hz
    write(tmp_path / "in.wav", Waveform(np.full(RATE, 0.25, np.float32), RATE))
    return converter.convert_file(tmp_path / "in.wav", tmp_path / "out.wav", None, settings).advice


@pytest.mark.parametrize(
    ("semitones", "words"),
    [
        (0.0, "around 200 Hz, ada was trained on 300 to 500 Hz: try +12 semitones more"),
        (24.0, "around 800 Hz, ada was trained on 300 to 500 Hz: try -12 semitones more"),
        (12.0, None),
        (5.0, None),  # a little outside
    ],
)
def test_a_pitch_far_outside_the_trained_range_is_advised_against(
    nearby_content, nearby_pitch, tmp_path: Path, semitones: float, words: str | None
) -> None:
    settings = ConversionSettings(transpose_semitones=semitones)
    advice = _advice(nearby_content, nearby_pitch, tmp_path, settings)
    assert [words in line for line in advice if words] == ([True] if words else [])
    assert len(advice) == (1 if words else 0)


def test_another_encoder_than_in_training_is_told(
    nearby_content, nearby_pitch, tmp_path: Path
) -> None:
    settings = ConversionSettings(transpose_semitones=12.0)
    (line,) = _advice(nearby_content, nearby_pitch, tmp_path, settings, encoder_version="0")
    assert "trained with version '0' of its content encoder, at hand is '1'" in line
