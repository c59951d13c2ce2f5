"""What every content encoder must do, as one test class to subclass (needs pytest)."""

import numpy as np
import pytest
import torch

from ezrvc_audio.resampling import resample
from ezrvc_audio.testing import silence, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.speech_encoder import SpeechEncoder
from ezrvc_features.content.windows import SPEECH_HOP, SPEECH_RATE, WindowPlan
from ezrvc_features.errors import FeatureError

_LONG_S = 8.0


class ContentConformance:
    """Checks that hold for every encoder: subclass it and give a fixture named `encoder`.

    Attributes:
        window_error: how far, relative to how far one pass deviates from its mean over time, the
            content of long sound may be from that of one pass. Networks that see everything at
            once cannot reach zero; each subclass states what was measured with windows of 2.7 s.
    """

    window_error: float = 1e-5

    def expected_frames(self, n_samples: int) -> int:
        """Frames of `n_samples` samples at 16 kHz; an encoder that pads nothing overrides it."""
        return n_samples // SPEECH_HOP

    def test_keeps_the_protocol(self, encoder: ContentEncoder) -> None:
        """Name, version and rate are there."""
        assert isinstance(encoder, ContentEncoder)
        assert encoder.frame_rate_hz == 50.0
        assert encoder.name
        assert encoder.version

    def test_shape_and_type(self, encoder: ContentEncoder) -> None:
        """float32 on the CPU, (dim, n_frames), free of gradients, and not constant."""
        content = encoder.encode(speech_like(1.0, SPEECH_RATE))
        assert content.shape == (encoder.dim, self.expected_frames(SPEECH_RATE))
        assert content.dtype == torch.float32
        assert content.device.type == "cpu"
        assert not content.requires_grad
        assert content.isfinite().all()
        assert content.std(dim=-1).max() > 0  # it says something

    def test_two_runs_are_equal(self, encoder: ContentEncoder) -> None:
        """Nothing random is left in the network."""
        spoken = speech_like(0.7, SPEECH_RATE, seed=3)
        assert torch.equal(encoder.encode(spoken), encoder.encode(spoken))

    def test_what_is_said_matters(self, encoder: ContentEncoder) -> None:
        """Other speech, other content."""
        first = encoder.encode(speech_like(0.7, SPEECH_RATE, seed=3))
        second = encoder.encode(speech_like(0.7, SPEECH_RATE, seed=4))
        assert not torch.allclose(first, second, atol=1e-3)

    def test_silence_is_finite(self, encoder: ContentEncoder) -> None:
        """Digital silence has as many frames as sound, all finite."""
        content = encoder.encode(silence(0.5, SPEECH_RATE))
        assert content.shape == (encoder.dim, self.expected_frames(SPEECH_RATE // 2))
        assert content.isfinite().all()

    @pytest.mark.parametrize("n_samples", [320, 399, 400, 639, 640, 719, 720, 4801])
    def test_counts_frames_exactly(self, encoder: ContentEncoder, n_samples: int) -> None:
        """Around every boundary of a frame."""
        samples = speech_like(1.0, SPEECH_RATE).samples[:, :n_samples]
        content = encoder.encode(Waveform(samples, SPEECH_RATE))
        assert content.shape == (encoder.dim, max(self.expected_frames(n_samples), 1))
        assert content.isfinite().all()

    @pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000, 96000])
    def test_takes_any_rate(self, encoder: ContentEncoder, sample_rate: int) -> None:
        """The encoder resamples as `resample` does."""
        spoken = speech_like(0.8, sample_rate)
        direct = encoder.encode(spoken)
        assert torch.equal(direct, encoder.encode(resample(spoken, SPEECH_RATE)))
        n_samples = round(spoken.n_samples * SPEECH_RATE / sample_rate)
        assert direct.shape[-1] == self.expected_frames(n_samples)

    @pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100])
    def test_twenty_milliseconds_are_enough(
        self, encoder: ContentEncoder, sample_rate: int
    ) -> None:
        """The shortest sound has one frame."""
        n_samples = int(np.ceil(0.02 * sample_rate))
        short = Waveform(speech_like(0.5, sample_rate).samples[:, :n_samples], sample_rate)
        assert encoder.encode(short).shape == (encoder.dim, 1)

    def test_less_is_refused(self, encoder: ContentEncoder) -> None:
        """With the length and what is needed."""
        short = Waveform(np.zeros((1, 319), np.float32), SPEECH_RATE)
        with pytest.raises(FeatureError, match=r"19\.9 ms: content needs at least 20 ms"):
            encoder.encode(short)

    def test_channels_are_mixed(self, encoder: ContentEncoder) -> None:
        """Two equal channels are one."""
        spoken = speech_like(0.5, SPEECH_RATE)
        both = Waveform(np.concatenate([spoken.samples, spoken.samples]), SPEECH_RATE)
        assert torch.allclose(encoder.encode(both), encoder.encode(spoken), atol=1e-5)

    def test_a_batch_is_its_members(self, encoder: SpeechEncoder) -> None:
        """Whatever the lengths, down to one frame and up to more than a window."""
        lengths = (16_000, 320, 16_000, 12_345, 401, 31_001)
        sounds = [
            speech_like(2.0, SPEECH_RATE, seed=seed).cut(0, length)
            for seed, length in enumerate(lengths)
        ]
        plan, encoder.plan = encoder.plan, WindowPlan(60)
        try:
            alone = [encoder.encode(sound) for sound in sounds]
            together = encoder.encode_batch(sounds)
        finally:
            encoder.plan = plan
        for content, expected in zip(together, alone, strict=True):
            assert torch.allclose(content, expected, rtol=1e-4, atol=1e-4)

    def test_long_sound_in_windows_is_near_one_pass(self, encoder: SpeechEncoder) -> None:
        """Windows of 2.7 s against one pass over the same 8 s."""
        spoken = speech_like(_LONG_S, SPEECH_RATE, seed=5)
        whole = encoder.encode(spoken)
        pieces = _in_windows(encoder, whole.shape[-1] // 3, spoken)
        assert pieces.shape == whole.shape
        deviation = whole.var(dim=-1, correction=0).mean().sqrt()
        error = (pieces - whole).square().mean().sqrt() / deviation
        assert error <= self.window_error, f"{error:.3g}"

    def test_longer_than_a_window_has_every_frame(self, encoder: SpeechEncoder) -> None:
        """Whatever is left over after whole windows."""
        spoken = speech_like(2.0, SPEECH_RATE)
        for n_samples in (24_000, 24_319, 31_001):
            content = _in_windows(encoder, 40, spoken.cut(0, n_samples))
            assert content.shape == (encoder.dim, self.expected_frames(n_samples))
            assert content.isfinite().all()


def _in_windows(encoder: SpeechEncoder, n_frames: int, waveform: Waveform) -> torch.Tensor:
    """What the encoder says when its windows are only so long."""
    plan, encoder.plan = encoder.plan, WindowPlan(n_frames)
    try:
        return encoder.encode(waveform)
    finally:
        encoder.plan = plan
