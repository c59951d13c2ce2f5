import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.frames import FrameSpec
from ezrvc_model.conversion.content import WindowContent
from ezrvc_model.conversion.windows import SlidingSource


class CountingEncoder:
    """Each vector holds its own number, told by the sound: a ramp of one unit a sample."""

    name, version, dim, frame_rate_hz = "counting", "1", 1, 50.0

    def __init__(self, samples_per_vector: float) -> None:
        self.samples_per_vector = samples_per_vector

    def encode(self, waveform: Waveform) -> torch.Tensor:
        samples = torch.from_numpy(waveform.samples[0])
        n_vectors = int(len(samples) / self.samples_per_vector)
        starts = (torch.arange(n_vectors) * self.samples_per_vector).round().long()
        return (samples[starts] / self.samples_per_vector).round().unsqueeze(0)


@settings(deadline=None, max_examples=60)
@given(
    grid=st.sampled_from([(24000, 256), (44100, 512), (32000, 320), (22050, 256)]),
    n_samples=st.integers(20_000, 60_000),
    data=st.data(),
)
def test_a_frame_takes_the_same_vector_through_any_window(
    grid: tuple[int, int], n_samples: int, data: st.DataObject
) -> None:
    frames = FrameSpec(*grid)
    ramp = Waveform(np.arange(n_samples, dtype=np.float32), frames.sample_rate)
    total = -(-n_samples // frames.hop_length) + 20
    encoder = CountingEncoder(frames.sample_rate / 50)
    content = WindowContent(encoder, FeatureAligner(frames), n_samples, total)
    whole = content.read(SlidingSource([ramp]), 0, total)[0]
    start = data.draw(st.integers(0, total - 40))
    end = data.draw(st.integers(start + 20, total))
    window = content.read(SlidingSource([ramp]), start, end)[0]
    n_whole_vectors = int(n_samples / encoder.samples_per_vector)
    # near the end of a window the last whole vector is held, as at the recording's end
    last = int(min(end * frames.hop_length, n_samples) / encoder.samples_per_vector) - 1
    assert torch.equal(window, whole[start:end].clamp(max=last))
    times_s = torch.from_numpy(frames.times_s(total)[start:end])
    expected = (times_s * 50).clamp(max=n_whole_vectors - 1)
    inside = expected < last
    assert (window - expected)[inside].abs().max() <= 1.5 if inside.any() else True


def test_tail_frames_hold_the_last_vector_of_the_recording(nearby_content) -> None:
    frames = FrameSpec(24000, 256)
    sound = speech_like(1.0, 24000)
    content = WindowContent(nearby_content, FeatureAligner(frames), sound.n_samples, 94 + 30)
    vectors = content.read(SlidingSource([sound]), 60, 124)
    assert vectors.shape == (80, 64)
    assert torch.equal(vectors[:, 36:], vectors[:, -1:].expand(-1, 28))


def test_the_shortest_sound_has_content(nearby_content) -> None:
    frames = FrameSpec(44100, 512)
    sound = Waveform(np.full(882, 0.1, np.float32), 44100)  # 20 ms
    content = WindowContent(nearby_content, FeatureAligner(frames), 882, 2)
    assert content.read(SlidingSource([sound]), 0, 2).shape == (80, 2)
