"""Pieces of clips, and batches of pieces."""

import pytest
import torch

from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_features.volume import frame_volume
from ezrvc_model.data.clip import TrainingClip, amplify, crop
from ezrvc_model.data.pieces import bucket, cut, lay_together

FRAMES = FrameSpec(sample_rate=8000, hop_length=80)
N_FFT = 256


def clip(n_frames: int, *, name: str = "audio/ada/1.wav", seed: int = 0) -> TrainingClip:
    generator = torch.Generator().manual_seed(seed)
    audio = 0.1 * torch.randn(n_frames * FRAMES.hop_length, generator=generator)
    frame = torch.arange(n_frames, dtype=torch.float32)
    features = UtteranceFeatures(
        content=frame.expand(3, -1) + 1,
        f0=100 + frame,
        voiced=(frame % 2 == 0).float(),
        volume=frame_volume(audio, FRAMES.hop_length),
    )
    return TrainingClip(name, 0, features, audio)


@pytest.mark.parametrize(("start", "length"), [(0, 20), (7, 20), (30, 20), (0, 50), (49, 1)])
def test_spectrogram_of_a_piece_is_that_of_the_whole(start: int, length: int) -> None:
    whole = clip(50)
    expected = linear_spectrogram(whole.audio[None], N_FFT, FRAMES.hop_length)[0]
    piece = crop(whole, start, length, FRAMES, N_FFT)
    assert piece.features.spectrogram is not None
    torch.testing.assert_close(
        piece.features.spectrogram, expected[:, start : start + length], rtol=1e-5, atol=1e-6
    )


def test_every_feature_of_a_piece_is_cut_at_the_same_frames() -> None:
    piece = crop(clip(50), 10, 5, FRAMES, N_FFT)
    assert piece.features.content[0].tolist() == [11, 12, 13, 14, 15]
    assert piece.features.f0.tolist() == [110, 111, 112, 113, 114]
    assert piece.features.voiced.tolist() == [1, 0, 1, 0, 1]
    assert torch.equal(piece.audio, clip(50).audio[800:1200])
    assert piece.n_frames == 5


def test_a_short_clip_is_not_cropped() -> None:
    assert crop(clip(4), 0, 100, FRAMES, N_FFT).n_frames == 4


def test_amplified_features_are_those_of_the_amplified_audio() -> None:
    louder = amplify(crop(clip(30), 0, 30, FRAMES, N_FFT), 3.0)
    expected = linear_spectrogram(louder.audio[None], N_FFT, FRAMES.hop_length)[0]
    assert louder.features.spectrogram is not None
    torch.testing.assert_close(louder.features.spectrogram, expected, rtol=1e-3, atol=3e-3)
    torch.testing.assert_close(louder.features.volume, frame_volume(louder.audio, 80))


@pytest.mark.parametrize(("start", "length"), [(0, 20), (7, 20), (30, 20), (0, 50), (49, 1)])
def test_analysed_pieces_are_those_of_the_whole_clip(start: int, length: int) -> None:
    whole = clip(50)
    expected = linear_spectrogram(whole.audio[None], N_FFT, FRAMES.hop_length)[0]
    pieces = lay_together([cut(whole, start, length, FRAMES, N_FFT, key=5)], 80, length + 3)
    batch = pieces.analyse(FRAMES, N_FFT)
    torch.testing.assert_close(
        batch.spectrogram[0, :, :length],
        expected[:, start : start + length],
        rtol=1e-5,
        atol=1e-6,
    )
    assert batch.spectrogram[0, :, length:].abs().max() == 0
    assert torch.equal(
        batch.audio[0, 0, : length * 80], whole.audio[start * 80 : (start + length) * 80]
    )
    assert batch.keys.tolist() == [5]


def test_batch_is_filled_up_with_zeros_behind() -> None:
    pieces = [cut(clip(n, seed=n), 0, n, FRAMES, N_FFT) for n in (6, 4)]
    batch = lay_together(pieces, FRAMES.hop_length, 7).analyse(FRAMES, N_FFT)
    assert batch.lengths.tolist() == [6, 4]
    assert batch.content.shape == (2, 3, 7)
    assert batch.spectrogram.shape == (2, 129, 7)
    assert batch.audio.shape == (2, 1, 560)
    assert batch.content[1, :, 4:].abs().max() == 0
    assert batch.audio[1, 0, 320:].abs().max() == 0
    assert torch.equal(batch.audio[1, 0, :320], pieces[1].clip.audio)


def test_an_amplified_piece_has_the_spectrogram_of_its_audio() -> None:
    piece = cut(clip(30), 5, 20, FRAMES, N_FFT)
    plain, louder = (
        lay_together([each], 80, 20).analyse(FRAMES, N_FFT) for each in (piece, piece.amplified(3))
    )
    torch.testing.assert_close(louder.audio, 3 * plain.audio)
    torch.testing.assert_close(louder.volume, 3 * plain.volume)
    torch.testing.assert_close(louder.spectrogram, 3 * plain.spectrogram, rtol=1e-3, atol=3e-3)


def test_lengths_come_in_a_few_sizes() -> None:
    assert [bucket(n, 512) for n in (1, 64, 65, 500, 512)] == [64, 64, 128, 512, 512]
    assert [bucket(n, 20) for n in (1, 4, 19, 20)] == [3, 6, 20, 20]
    assert len({bucket(n, 600) for n in range(1, 601)}) == 8
