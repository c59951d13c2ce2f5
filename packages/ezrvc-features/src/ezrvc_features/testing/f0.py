"""What every F0 estimator must do, as one test class to subclass (needs pytest)."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ezrvc_audio.testing import chirp, chirp_hz, harmonic_tone, noise, silence, stereo
from ezrvc_audio.waveform import Waveform
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.frames import FrameSpec

FRAMES = FrameSpec(sample_rate=44100, hop_length=512)
OCTAVE_TONES_HZ = (60.0, 82.0, 123.0, 196.0, 330.0, 523.0, 784.0, 1046.0, 1300.0)


def cents_off(
    hz: NDArray[np.floating], true_hz: NDArray[np.floating] | float
) -> NDArray[np.floating]:
    """Distance from the truth, 1/100 semitones."""
    return np.abs(1200 * np.log2(hz / true_hz))


class F0Conformance:
    """Checks that hold for every estimator: subclass it and give a fixture named `estimator`.

    Load the estimator with a range as wide as 50 to 1400 Hz, so that the octave checks mean
    something.

    Attributes:
        chirp_cents: how far any voiced frame of a chirp may be from the truth; each subclass
            states what its method can do.
        duration_s: length of the steady tones.
    """

    chirp_cents: float = 25.0
    duration_s: float = 0.4

    def check(self, curve: F0Curve, estimator: F0Estimator, n_frames: int) -> None:
        """What holds for the curve of any sound."""
        assert curve.hz.shape == curve.voiced.shape == (n_frames,)
        assert curve.hz.dtype == np.float32
        assert curve.voiced.dtype == np.bool_
        assert not curve.hz[~curve.voiced].any()
        low_hz, high_hz = estimator.range_hz
        voiced_hz = curve.hz[curve.voiced]
        assert ((voiced_hz >= low_hz * 0.9999) & (voiced_hz <= high_hz * 1.0001)).all()

    def test_keeps_the_protocol(self, estimator: F0Estimator) -> None:
        """Name, version and range are stated."""
        assert isinstance(estimator, F0Estimator)
        assert estimator.name
        assert any(character.isdigit() for character in estimator.version)
        assert 0 < estimator.range_hz[0] < estimator.range_hz[1]

    def test_a_steady_tone_is_steady(self, estimator: F0Estimator) -> None:
        """220 Hz of ten partials: median within 1 Hz, every voiced frame within 25 cents."""
        tone = harmonic_tone(220.0, self.duration_s, n_partials=10)
        curve = estimator.estimate(tone, FRAMES)
        self.check(curve, estimator, FRAMES.n_frames_of(tone))
        assert curve.voiced[2:-2].all()
        assert np.median(curve.hz[curve.voiced]) == pytest.approx(220.0, abs=1.0)
        assert cents_off(curve.hz[curve.voiced], 220.0).max() < 25

    def test_two_runs_are_equal(self, estimator: F0Estimator) -> None:
        """No randomness."""
        sound = chirp(150.0, 300.0, 0.2, n_partials=5)
        first, second = estimator.estimate(sound, FRAMES), estimator.estimate(sound, FRAMES)
        np.testing.assert_array_equal(first.hz, second.hz)
        np.testing.assert_array_equal(first.voiced, second.voiced)

    @pytest.mark.parametrize(
        ("start_hz", "end_hz"), [(100.0, 220.0), (440.0, 180.0), (300.0, 900.0)]
    )
    def test_chirps_are_followed(
        self, estimator: F0Estimator, start_hz: float, end_hz: float
    ) -> None:
        """Pitch that moves is where it is, when it is there."""
        duration_s = 2 * self.duration_s
        sound = chirp(start_hz, end_hz, duration_s, n_partials=8)
        curve = estimator.estimate(sound, FRAMES)
        self.check(curve, estimator, FRAMES.n_frames_of(sound))
        true_hz = chirp_hz(start_hz, end_hz, duration_s, FRAMES.times_s(len(curve.hz)))
        off = cents_off(curve.hz[curve.voiced], true_hz[curve.voiced])
        assert curve.voiced.mean() > 0.9
        assert off.max() < self.chirp_cents
        assert np.median(off) < self.chirp_cents / 3

    def test_no_tone_is_an_octave_off(self, estimator: F0Estimator) -> None:
        """Tones throughout the stated range are found as they are."""
        low_hz, high_hz = estimator.range_hz
        tones_hz = [hz for hz in OCTAVE_TONES_HZ if low_hz <= hz <= high_hz]
        assert len(tones_hz) >= 7  # 60 to 784 Hz is asked of every method
        for hz in tones_hz:
            curve = estimator.estimate(harmonic_tone(hz, self.duration_s / 2), FRAMES)
            assert curve.voiced[2:-2].all(), hz
            assert cents_off(curve.hz[curve.voiced], hz).max() < 50, hz

    @pytest.mark.parametrize("offset", [0.0, 0.1])
    def test_silence_is_unvoiced(self, estimator: F0Estimator, offset: float) -> None:
        """Digital silence has no pitch, nor has a constant."""
        samples = silence(0.5).samples + np.float32(offset)
        curve = estimator.estimate(Waveform(samples, 44100), FRAMES)
        self.check(curve, estimator, 43)
        # Where a constant begins and ends there is a step, which is a sound.
        assert not curve.voiced[5:-5].any()
        assert offset or not curve.voiced.any()

    def test_faint_noise_is_unvoiced(self, estimator: F0Estimator) -> None:
        """The hiss of a converter has no pitch."""
        assert not estimator.estimate(noise(0.5, amplitude=5e-4), FRAMES).voiced.any()

    @pytest.mark.parametrize("amplitude", [0.5, 0.02])
    def test_noise_is_mostly_unvoiced(self, estimator: F0Estimator, amplitude: float) -> None:
        """White noise has no pitch, loud or soft."""
        sound = noise(self.duration_s, amplitude=amplitude, seed=1)
        curve = estimator.estimate(sound, FRAMES)
        self.check(curve, estimator, FRAMES.n_frames_of(sound))
        assert curve.voiced.mean() < 0.1

    def test_pauses_are_told_from_tones(self, estimator: F0Estimator) -> None:
        """Voicing begins and ends with the tone."""
        tone = harmonic_tone(165.0, 0.15).samples
        pause = silence(0.2).samples
        sound = Waveform(np.concatenate([pause, tone, pause], axis=1), 44100)
        curve = estimator.estimate(sound, FRAMES)
        time_s = FRAMES.times_s(len(curve.hz))
        assert curve.voiced[(time_s > 0.22) & (time_s < 0.33)].all()
        assert not curve.voiced[(time_s < 0.17) | (time_s > 0.38)].any()

    @pytest.mark.parametrize("n_samples", [1, 2, 100, 511, 512, 882, 1023, 1024])
    def test_sounds_shorter_than_a_window(self, estimator: F0Estimator, n_samples: int) -> None:
        """Any length gives its number of frames, be it none."""
        tone = harmonic_tone(220.0, 0.1)
        curve = estimator.estimate(tone.cut(0, n_samples), FRAMES)
        self.check(curve, estimator, n_samples // 512)

    @pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 48000, 96000])
    def test_takes_any_rate(self, estimator: F0Estimator, sample_rate: int) -> None:
        """The rate of the waveform does not matter."""
        tone = harmonic_tone(220.0, 0.15, sample_rate)
        curve = estimator.estimate(tone, FRAMES)
        self.check(curve, estimator, FRAMES.n_frames_of(tone))
        assert np.median(curve.hz[curve.voiced]) == pytest.approx(220.0, abs=1.0)

    @pytest.mark.parametrize(
        "frames", [FrameSpec(44100, 512), FrameSpec(16000, 160), FrameSpec(24000, 200)]
    )
    def test_answers_on_any_grid(self, estimator: F0Estimator, frames: FrameSpec) -> None:
        """The curve lies on the grid that was asked for."""
        sound = chirp(200.0, 260.0, 0.4, n_partials=5)
        curve = estimator.estimate(sound, frames)
        self.check(curve, estimator, frames.n_frames_of(sound))
        true_hz = chirp_hz(200.0, 260.0, 0.4, frames.times_s(len(curve.hz)))
        assert cents_off(curve.hz[curve.voiced], true_hz[curve.voiced]).max() < self.chirp_cents

    def test_channels_are_mixed(self, estimator: F0Estimator) -> None:
        """Two equal channels are as good as one."""
        tone = harmonic_tone(220.0, 0.15)
        both = estimator.estimate(stereo(tone, tone), FRAMES)
        np.testing.assert_allclose(both.hz, estimator.estimate(tone, FRAMES).hz, rtol=1e-5)
