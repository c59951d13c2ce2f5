"""What every conversion of sound in memory promises."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_audio.testing import harmonic_tone, silence, speech_like, stereo
from ezrvc_audio.waveform import Waveform
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.attention import MultiHeadAttention
from ezrvc_model.testing import untrained_voice

RATE = 24000


@settings(deadline=None, max_examples=25)
@given(
    rate=st.sampled_from([8000, 16000, 22050, 24000, 44100, 48000, 96000]),
    length_s=st.floats(0.02, 0.6),
    extra=st.integers(0, 3),
)
def test_the_result_is_as_long_as_the_input(
    converter: VoiceConverter, rate: int, length_s: float, extra: int
) -> None:
    n_samples = -(-rate // 50) + int((length_s - 0.02) * rate) + extra
    samples = np.random.default_rng(n_samples).standard_normal(n_samples) * 0.1
    result = converter.convert(Waveform(samples.astype(np.float32), rate))
    assert result.samples.shape == (1, round(n_samples * RATE / rate))
    assert result.sample_rate == RATE


@pytest.mark.parametrize("voice_rate", [16000, 22050, 44100, 48000])
def test_20_ms_are_enough_at_any_rate(voice_rate: int, nearby_content, nearby_pitch) -> None:
    converter = VoiceConverter(
        untrained_voice(sample_rate=voice_rate),
        device="cpu",
        encoder=nearby_content,
        f0_estimator=nearby_pitch,
    )
    for rate in (8000, 11025, 44100, 96000):
        n_samples = -(-rate // 50)
        sound = Waveform(np.full(n_samples, 0.1, np.float32), rate)
        assert converter.convert(sound).n_samples == round(n_samples * voice_rate / rate)


def test_shorter_than_20_ms_is_refused(converter: VoiceConverter) -> None:
    with pytest.raises(ModelError, match=r"lasts 19\.\d ms, converting needs at least 20 ms"):
        converter.convert(Waveform(np.ones(465, np.float32), RATE))


@pytest.mark.parametrize("n_samples", [480, 481, 24000, 77777])
def test_digital_silence_stays_digital_silence(converter: VoiceConverter, n_samples: int) -> None:
    result = converter.convert(Waveform(np.zeros(n_samples, np.float32), RATE))
    assert result.n_samples == n_samples
    assert not result.samples.any()


@pytest.mark.parametrize("hiss", [0.0, 1e-5])
def test_pauses_are_silent_and_their_edges_do_not_click(
    converter: VoiceConverter, hiss: float
) -> None:
    tone = harmonic_tone(200.0, 1.0, sample_rate=RATE).samples[0]
    sound = np.concatenate((tone, np.zeros(RATE, np.float32), tone))
    sound += hiss * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    result = converter.convert(Waveform(sound, RATE)).samples[0]
    reach = round(0.08 * RATE)
    assert not result[RATE + reach : 2 * RATE - reach].any()
    assert np.abs(result[: RATE - reach]).mean() > 0.001
    steps = np.abs(np.diff(result))
    inside = steps[: RATE - reach].max()
    assert steps[RATE - reach : 2 * RATE + reach].max() <= inside


def test_channels_are_mixed(converter: VoiceConverter) -> None:
    left, right = speech_like(0.5, RATE, seed=1), speech_like(0.5, RATE, seed=2)
    both = stereo(left, right)
    assert np.array_equal(converter.convert(both).samples, converter.convert(both.mono()).samples)


def test_the_same_seed_gives_the_same_sound(converter: VoiceConverter) -> None:
    sound = speech_like(0.5, RATE)
    first, second, other = (
        converter.convert(sound, settings=ConversionSettings(seed=seed)).samples
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_speakers_differ_and_the_first_is_the_default(converter: VoiceConverter) -> None:
    sound = speech_like(0.5, RATE)
    default = converter.convert(sound).samples
    assert np.array_equal(converter.convert(sound, "ada").samples, default)
    assert not np.array_equal(converter.convert(sound, "grace").samples, default)
    with pytest.raises(ModelError, match="unknown speaker 'gracie'; did you mean 'grace'"):
        converter.convert(sound, "gracie")


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def test_blocks_give_what_the_whole_gives(nearby_content, nearby_pitch) -> None:
    """With attention switched off nothing knows where a block ends: only rounding may differ."""
    voice = untrained_voice()
    with torch.no_grad():
        for module in voice.generator.modules():
            if isinstance(module, MultiHeadAttention):
                for parameter in module.output.parameters():
                    parameter.zero_()
    converter = VoiceConverter(
        voice, device="cpu", encoder=nearby_content, f0_estimator=nearby_pitch
    )
    sound = speech_like(9.0, RATE, seed=4)
    whole, *others = (
        converter.convert(sound, settings=ConversionSettings(block_s=block_s)).samples[0]
        for block_s in (60.0, 4.0, 1.3)
    )
    for blocks in others:
        assert np.abs(blocks - whole).max() < 1e-4 * np.abs(whole).max()


def test_attention_changes_blocks_but_little(converter: VoiceConverter) -> None:
    """An untrained network attends to the whole window alike, the worst case: -45 dB."""
    sound = speech_like(9.0, RATE, seed=4)
    whole, blocks = (
        converter.convert(sound, settings=ConversionSettings(block_s=block_s)).samples[0]
        for block_s in (60.0, 2.0)
    )
    assert 0 < _rms(blocks - whole) < 10 ** (-45 / 20) * _rms(whole)
    assert np.abs(np.diff(blocks)).max() < 1.02 * np.abs(np.diff(whole)).max()


def test_a_held_vowel_keeps_its_phase_over_seams(converter: VoiceConverter) -> None:
    """Nothing but the sine source tells one period from the next: a jump of phase would show."""
    sound = harmonic_tone(220.0, 6.0, sample_rate=RATE)
    chosen = ConversionSettings(noise_scale=0.0, block_s=1.0)
    whole, blocks = (
        converter.convert(sound, settings=each).samples[0]
        for each in (chosen.model_copy(update={"block_s": 60.0}), chosen)
    )
    error = np.abs(blocks - whole)
    assert error.max() < 0.02 * np.abs(whole).max()
    steps = np.abs(np.diff(blocks))
    assert steps.max() <= 1.02 * np.abs(np.diff(whole)).max()


def test_transposing_moves_the_pitch_that_the_network_is_given(
    converter: VoiceConverter, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_f0: list[np.ndarray] = []
    generator = converter.voice.generator
    source = type(generator).source

    def spy(self, f0, **rest):
        given_f0.append(f0[0].numpy().copy())
        return source(self, f0, **rest)

    monkeypatch.setattr(type(generator), "source", spy)
    sound = speech_like(1.0, RATE)
    for semitones in (0.0, 12.0, -5.0):
        converter.convert(sound, settings=ConversionSettings(transpose_semitones=semitones))
    plain, octave, fourth = given_f0
    np.testing.assert_allclose(octave, 2 * plain, rtol=1e-6)
    np.testing.assert_allclose(fourth, plain * 2 ** (-5 / 12), rtol=1e-6)
    assert (plain > 0).all()  # interpolated through unvoiced frames


def test_the_voice_can_choose_its_own_pitch(converter: VoiceConverter) -> None:
    sound = speech_like(3.0, RATE)
    plain = converter.convert(sound).samples
    chosen = ConversionSettings(predict_f0=True)
    whole = converter.convert(sound, settings=chosen).samples
    assert whole.shape == plain.shape
    assert not np.array_equal(whole, plain)


def test_a_voice_without_pitch_of_its_own_says_so(nearby_content, nearby_pitch) -> None:
    converter = VoiceConverter(
        untrained_voice(predict_f0=False),
        device="cpu",
        encoder=nearby_content,
        f0_estimator=nearby_pitch,
    )
    with pytest.raises(ModelError, match="no pitch of its own; leave predict_f0 off"):
        converter.convert(silence(0.1, RATE), settings=ConversionSettings(predict_f0=True))


def test_a_loudness_mix_of_0_follows_the_source(converter: VoiceConverter) -> None:
    quiet = speech_like(2.5, RATE, seed=5).samples[0]
    sound = np.concatenate((quiet, quiet * 0.1))
    plain, followed = (
        converter.convert(
            Waveform(sound, RATE), settings=ConversionSettings(loudness_mix=mix)
        ).samples[0]
        for mix in (1.0, 0.0)
    )
    middle, second = round(0.7 * RATE), round(2.5 * RATE)
    for samples, low, high in ((plain, 0.3, 3.0), (followed, 0.05, 0.2)):
        loud, soft = samples[middle : 2 * middle], samples[second + middle : second + 2 * middle]
        assert low < _rms(soft) / _rms(loud) < high
    assert len(followed) == len(sound)


def test_a_network_in_training_is_left_alone(nearby_content, nearby_pitch) -> None:
    voice = untrained_voice()
    before = {name: tensor.clone() for name, tensor in voice.generator.state_dict().items()}
    converter = VoiceConverter(
        voice, device="cpu", encoder=nearby_content, f0_estimator=nearby_pitch
    )
    converter.convert(speech_like(0.2, RATE))
    after = voice.generator.state_dict()
    assert all(tensor.equal(after[name]) for name, tensor in before.items())
    assert voice.generator.posterior_encoder is not None
    assert all(parameter.requires_grad for parameter in voice.generator.parameters())


@pytest.mark.gpu
def test_a_gpu_gives_what_the_processor_gives(nearby_content, nearby_pitch) -> None:
    sound = speech_like(5.0, RATE)
    on_cpu, on_gpu = (
        VoiceConverter(
            untrained_voice(), device=device, encoder=nearby_content, f0_estimator=nearby_pitch
        )
        .convert(sound, settings=ConversionSettings(block_s=2.0))
        .samples
        for device in ("cpu", "cuda")
    )
    assert _rms(on_gpu - on_cpu) < 0.05 * _rms(on_cpu)
