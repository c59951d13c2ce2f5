"""The enhancer: lengths, keys, blocks, and its place in a conversion."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ezrvc_audio.resampling import resample
from ezrvc_audio.testing import harmonic_tone, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_device.weights import weights_path
from ezrvc_features.f0.base import F0Curve
from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import NSF_HIFIGAN_MEL, VOCODER_EPSILON, mel_spectrogram
from ezrvc_model.conversion.adaptive_key import adaptive_rate, automatic_key
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.conversion.enhancer import Enhancer
from ezrvc_model.conversion.gate import Span, SpanGate, fade_edges
from ezrvc_model.conversion.positioned_noise import PositionedNoise
from ezrvc_model.conversion.settings import ConversionSettings
from ezrvc_model.conversion.source_phase import partial_phases
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import save_nsf_hifigan, untrained_voice
from ezrvc_model.vocoders.mel_vocoder import HiFiGANVocoder
from ezrvc_model.vocoders.published import NSF_HIFIGAN_WEIGHTS, licence_notice, load_nsf_hifigan

RATE = 44100
GRID = FrameSpec(RATE, 512)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_nsf_hifigan(tmp_path_factory.mktemp("vocoder") / "nsf_hifigan")


@pytest.fixture(scope="module")
def vocoder(folder: Path) -> HiFiGANVocoder:
    return load_nsf_hifigan(folder)


def _whole(enhancer: Enhancer, samples: NDArray[np.float32], piece: int = 9999) -> np.ndarray:
    pieces = (samples[start : start + piece] for start in range(0, len(samples), piece))
    made = list(enhancer.enhance(pieces))
    assert all(len(each) for each in made)
    return np.concatenate(made)


def _glide(n_frames: int) -> NDArray[np.float32]:
    """A pitch that rises from 200 Hz, with an unvoiced gap."""
    f0 = np.linspace(200, 420, n_frames, dtype=np.float32)
    f0[n_frames // 3 : n_frames // 3 + 5] = 0
    return f0


@pytest.mark.parametrize(
    ("key", "rate"), [(0, 44100), (12, 88200), (7, 66100), (-12, 22000), (0.5, 45400)]
)
def test_the_rate_of_a_key(key: float, rate: int) -> None:
    # 44100 * 2^(7/12) = 66075.8, 44100 * 2^(0.5/12) = 45392.3; 22050 lies between, even wins
    assert adaptive_rate(44100, key) == rate


def test_the_rate_of_no_key_is_the_vocoders_own_whatever_it_is() -> None:
    assert adaptive_rate(22050, 0) == 22050


@pytest.mark.parametrize(
    ("highest", "key"), [(0, 0), (80, 0), (760, 0), (761, 1), (1100, 7), (1520, 12), (1521, 13)]
)
def test_the_automatic_key_brings_the_highest_note_to_760_hz(highest: float, key: int) -> None:
    assert automatic_key(np.array([0.0, highest / 2, highest], dtype=np.float32)) == key
    assert automatic_key(np.empty(0)) == 0


def test_without_a_key_it_is_the_plain_vocoder(vocoder: HiFiGANVocoder) -> None:
    n_frames = 40
    sound = harmonic_tone(220.0, n_frames * 512 / RATE, RATE).samples[0]
    f0 = _glide(n_frames)
    mel = mel_spectrogram(
        torch.from_numpy(sound)[None], NSF_HIFIGAN_MEL, 512, epsilon=VOCODER_EPSILON
    )
    assert vocoder.sine_source is not None
    phases = partial_phases(vocoder.sine_source, f0, seed=5, stream=4)
    with torch.inference_mode():
        expected = vocoder.vocode(
            mel,
            torch.from_numpy(f0)[None],
            start_phase=torch.from_numpy(phases[:1]),
            noise=PositionedNoise(5, 0, stream=3, axis=1),
        )[0, 0].numpy()
    made = _whole(Enhancer(vocoder, f0, GRID, len(sound), seed=5), sound)
    assert np.array_equal(made, expected)
    assert np.abs(made).max() > 1e-3


def test_a_key_is_another_rate_there_and_back(vocoder: HiFiGANVocoder) -> None:
    """An octave: sound and pitch are handed to the plain vocoder at half the speed."""
    n_frames = 30
    sound = harmonic_tone(880.0, n_frames * 512 / RATE, RATE).samples[0]
    f0 = np.linspace(800, 1000, n_frames, dtype=np.float32)
    made = _whole(Enhancer(vocoder, f0, GRID, len(sound), key_semitones=12), sound)
    slow = resample(Waveform(sound, RATE), 88200).samples[0]
    slow_f0 = np.interp(np.arange(60) / 2, np.arange(30), f0 / 2).astype(np.float32)
    plain = _whole(Enhancer(vocoder, slow_f0, GRID, len(slow)), slow)
    expected = resample(Waveform(plain, 88200), RATE).samples[0]
    np.testing.assert_allclose(made, expected, atol=1e-6)


@pytest.mark.parametrize("key", [0, 3, -5])
@pytest.mark.parametrize(
    ("rate", "n_samples"),
    [(44100, 1), (44100, 511), (44100, 512), (44100, 5121), (24000, 480), (24000, 7777),
     (48000, 960), (48000, 8001), (16000, 5001), (96000, 9999)],
)  # fmt: skip
def test_as_many_samples_come_out_as_go_in(
    vocoder: HiFiGANVocoder, rate: int, n_samples: int, key: int
) -> None:
    sound = np.random.default_rng(0).standard_normal(n_samples).astype(np.float32) * 0.1
    f0 = np.full(n_samples // 256 + 1, 220, np.float32)
    enhancer = Enhancer(vocoder, f0, FrameSpec(rate, 256), n_samples, key_semitones=key)
    made = _whole(enhancer, sound, 1000)
    assert made.shape == (n_samples,)
    assert np.isfinite(made).all()


@pytest.mark.parametrize(("rate", "key"), [(44100, 0), (24000, 2.5)])
def test_blocks_and_pieces_give_what_the_whole_gives(
    vocoder: HiFiGANVocoder, rate: int, key: float
) -> None:
    """Measured: 1.3e-6 apart, 102 dB below the sound's peak; phases in single precision differ."""
    sound = speech_like(0.8, rate, seed=2).samples[0]
    f0 = _glide(len(sound) // 240 + 1)
    frames = FrameSpec(rate, 240)
    whole, blocks, short = (
        _whole(
            Enhancer(vocoder, f0, frames, len(sound), key_semitones=key, block_frames=block_frames),
            sound,
            piece,
        )
        for block_frames, piece in ((10_000, len(sound)), (31, 10_000), (13, 333))
    )
    assert np.abs(whole).max() > 0.1
    np.testing.assert_allclose(blocks, whole, rtol=0, atol=2e-5)
    np.testing.assert_allclose(short, whole, rtol=0, atol=2e-5)


@pytest.mark.parametrize("key", [0, 12])
def test_no_more_than_a_block_and_its_context_is_held(vocoder: HiFiGANVocoder, key: int) -> None:
    sound = np.zeros(20 * RATE, dtype=np.float32)  # silence is held as sound is, and costs less
    f0 = np.zeros(len(sound) // 512 + 1, dtype=np.float32)
    enhancer = Enhancer(vocoder, f0, GRID, len(sound), key_semitones=key, block_frames=64)
    taken = given = held = 0

    def pieces() -> Iterator[NDArray[np.float32]]:
        nonlocal taken
        for start in range(0, len(sound), 1000):
            piece = sound[start : start + 1000]
            taken += len(piece)
            yield piece

    for made in enhancer.enhance(pieces()):
        given += len(made)
        held = max(held, taken - given)
    assert given == taken == len(sound)
    assert held < (64 + 64) * 512


def test_digital_silence_stays_silent_and_costs_nothing(
    vocoder: HiFiGANVocoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = np.zeros(3 * RATE, dtype=np.float32)
    sound[: RATE // 2] = harmonic_tone(220.0, 0.5, RATE).samples[0]
    n_vocoded: list[int] = []
    plain = vocoder.vocode

    def counting(mel: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        n_vocoded.append(mel.shape[2])
        return plain(mel, *args, **kwargs)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(vocoder, "vocode", counting)
    f0 = np.full(len(sound) // 512 + 1, 220, np.float32)
    made = _whole(Enhancer(vocoder, f0, GRID, len(sound), block_frames=32), sound)
    assert np.abs(made[: RATE // 2]).max() > 1e-3
    assert not made[RATE:].any()
    assert sum(n_vocoded) < 258  # are frames of the whole; context is counted in each block


def test_the_gate_lets_spans_through_faded_at_their_edges() -> None:
    ones = np.ones(24_000, dtype=np.float32)
    spans = [Span(0, 20), Span(30, 31), Span(50, 94)]  # frames of 256 samples: the last is cut
    expected = np.zeros_like(ones)
    for start, end in ((0, 5120), (7680, 7936), (12_800, 24_000)):
        expected[start:end] = fade_edges(
            ones[start:end], 24_000, fade_in=start > 0, fade_out=end < 24_000
        )
    for piece in (24_000, 1000, 77):
        gate = SpanGate(spans, 256, 24_000, 24_000)
        gated = [gate.push(ones[start : start + piece]) for start in range(0, 24_000, piece)]
        np.testing.assert_array_equal(np.concatenate(gated), expected)


@pytest.mark.parametrize("loudness_mix", [1.0, 0.0])
def test_a_conversion_is_enhanced_at_its_length_with_its_pauses(
    converter: VoiceConverter, folder: Path, tmp_path: Path, loudness_mix: float
) -> None:
    tone = harmonic_tone(200.0, 0.3, sample_rate=24000).samples[0]
    sound = Waveform(np.concatenate((tone, np.zeros(15000, np.float32), tone[:-7])), 24000)
    settings = ConversionSettings(loudness_mix=loudness_mix)
    enhancing = settings.model_copy(update={"enhance": True, "enhancer_weights": str(folder)})
    plain = converter.convert(sound, settings=settings).samples[0]
    enhanced = converter.convert(sound, settings=enhancing).samples[0]
    assert enhanced.shape == plain.shape
    assert np.abs(enhanced - plain).max() > 1e-3
    assert not enhanced[plain == 0].any()
    again = converter.convert(
        sound, settings=enhancing.model_copy(update={"enhancer_key_semitones": 0.0})
    ).samples[0]
    assert np.array_equal(again, enhanced)  # no note is high: the automatic key is 0
    write(tmp_path / "in.wav", sound)
    report = converter.convert_file(tmp_path / "in.wav", tmp_path / "out.wav", settings=enhancing)
    assert "CC BY-NC-SA 4.0" in report.notices[0]
    assert converter.convert_file(tmp_path / "in.wav", tmp_path / "o.wav").notices == ()


class _High:
    """950 Hz throughout."""

    name, version, range_hz = "high", "1", (50.0, 1100.0)

    def estimate(self, waveform: Waveform, frames: FrameSpec) -> F0Curve:
        n_frames = frames.n_frames_of(waveform)
        return F0Curve(np.full(n_frames, 950, np.float32), np.ones(n_frames, np.bool_))


def test_high_notes_are_brought_down_by_themselves(folder: Path, nearby_content) -> None:
    converter = VoiceConverter(
        untrained_voice(), device="cpu", encoder=nearby_content, f0_estimator=_High()
    )
    sound = harmonic_tone(950.0, 0.2, sample_rate=24000)

    def converted(key: float | None = None, transpose: float = 0.0) -> np.ndarray:
        settings = ConversionSettings(
            enhance=True,
            enhancer_weights=str(folder),
            enhancer_key_semitones=key,
            transpose_semitones=transpose,
        )
        return converter.convert(sound, settings=settings).samples

    assert np.array_equal(converted(), converted(key=4.0))
    assert not np.array_equal(converted(), converted(key=0.0))
    # an octave lower nothing is above 760 Hz
    assert np.array_equal(converted(transpose=-12.0), converted(key=0.0, transpose=-12.0))


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home without the network."""
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EZRVC_OFFLINE", "1")
    return tmp_path


def test_weights_that_are_not_here_are_named_with_what_to_do(
    offline: Path, converter: VoiceConverter
) -> None:
    message = r"weights of the enhancer \(50 MB, CC-BY-NC-SA-4.0\) are not here: .*FOLDER"
    with pytest.raises(ModelError, match=message) as refused:
        converter.convert(speech_like(0.2, 24000), settings=ConversionSettings(enhance=True))
    assert "\n" not in str(refused.value)
    with pytest.raises(ModelError, match=message):
        converter.convert_files([], settings=ConversionSettings(enhance=True))


def test_the_published_archive_is_unpacked_once(offline: Path, folder: Path) -> None:
    archive = weights_path(NSF_HIFIGAN_WEIGHTS)
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as packed:
        for name in ("model", "config.json"):
            packed.write(folder / name, f"nsf_hifigan/{name}")
        packed.writestr("../NOTICE.txt", "CC BY-NC-SA 4.0")
    load_nsf_hifigan()
    unpacked = archive.with_suffix("")
    assert sorted(path.name for path in unpacked.iterdir()) == [
        "NOTICE.txt",
        "config.json",
        "model",
    ]
    written = (unpacked / "model").stat().st_mtime_ns
    load_nsf_hifigan()
    assert (unpacked / "model").stat().st_mtime_ns == written
    assert "no commercial use" in licence_notice(None)


def test_an_archive_that_is_none_is_refused(offline: Path) -> None:
    archive = weights_path(NSF_HIFIGAN_WEIGHTS)
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"not a zip")
    with pytest.raises(ModelError, match=r"nsf_hifigan_20221211.zip: is no sound archive"):
        load_nsf_hifigan()


def test_a_folder_without_a_vocoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model or model.ckpt"):
        load_nsf_hifigan(tmp_path)
    with pytest.raises(ModelError, match=r"absent does not exist.*`model` and `config.json`"):
        load_nsf_hifigan(tmp_path / "absent")
    torch.save({"generator": {"a": torch.zeros(1)}}, tmp_path / "model")
    with pytest.raises(ModelError, match=r"config.json: cannot be read"):
        load_nsf_hifigan(tmp_path)
