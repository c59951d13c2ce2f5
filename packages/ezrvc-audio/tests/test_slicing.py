"""Cuts that can be worked out by hand, and the promises that hold for every recording."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ezrvc_audio.errors import AudioError
from ezrvc_audio.slicing import Segment, Slicer, SlicerConfig, slice_silence
from ezrvc_audio.waveform import Waveform

RATE = 8000
SHORT = SlicerConfig(min_clip_s=1.0, max_clip_s=4.0, min_sound_s=0.3)


def recording(*parts: tuple[float, float], seed: int | None = None) -> Waveform:
    """Parts of (seconds, amplitude), of a tone of whole periods a frame or of noise."""
    random = np.random.default_rng(seed)
    pieces: list[np.ndarray] = []
    for seconds, amplitude in parts:
        n_samples = round(seconds * RATE)
        if seed is None:
            piece = np.sin(2 * np.pi * 400 * np.arange(n_samples) / RATE)
        else:
            piece = random.uniform(-1, 1, n_samples)
        pieces.append(amplitude * piece)
    return Waveform(np.concatenate(pieces)[np.newaxis].astype(np.float32), RATE)


def times(segments: list[Segment]) -> list[tuple[float, float]]:
    return [(round(s.start_s, 2), round(s.end_s, 2)) for s in segments]


def test_silence_beyond_what_is_kept_is_dropped() -> None:
    heard = recording((2, 0), (4, 0.5), (3, 0), (5, 0.5), (2, 0))
    # Smoothing over 30 ms lets sound reach one frame into silence; 500 ms more are kept.
    assert times(slice_silence(heard)) == [(1.49, 6.51), (8.49, 14.51)]


def test_a_pause_is_cut_in_its_middle_and_nothing_is_dropped() -> None:
    heard = recording((4, 0.5), (0.8, 0), (5, 0.5))
    assert times(slice_silence(heard)) == [(0, 4.4), (4.4, 9.8)]


def test_a_silence_shorter_than_a_pause_is_not_cut() -> None:
    heard = recording((4, 0.5), (0.25, 0), (5, 0.5))
    assert times(slice_silence(heard)) == [(0, 9.25)]


def test_the_first_pause_that_leaves_both_sides_long_enough_is_cut() -> None:
    heard = recording((2, 0.5), (0.4, 0), (2, 0.5), (0.4, 0), (4, 0.5), (0.4, 0), (2, 0.5))
    assert times(slice_silence(heard)) == [(0, 4.6), (4.6, 11.2)]


def test_an_over_long_sound_is_split_at_its_quietest_place_within_reach() -> None:
    heard = recording((9, 0.5), (0.2, 0.05), (5, 0.5), (0.2, 0.1), (12, 0.5))
    (first, second) = slice_silence(heard)
    assert 9.0 <= first.end_s <= 9.2
    assert (first.start_s, second.start_s, second.end_s) == (0, first.end_s, 26.4)


def test_a_gap_between_words_is_preferred_to_a_plosive_of_equal_depth() -> None:
    heard = recording((8, 0.5), (0.05, 0.02), (4, 0.5), (0.2, 0.02), (12, 0.5))
    first = slice_silence(heard)[0]
    assert 12.05 <= first.end_s <= 12.25


def test_a_steady_sound_is_divided_into_clips_of_allowed_length() -> None:
    segments = slice_silence(recording((65, 0.5)))
    assert sum(s.duration_s for s in segments) == 65
    assert all(3 <= s.duration_s <= 20 for s in segments)


def test_short_sounds_with_short_pauses_become_one_clip() -> None:
    heard = recording((1, 0), *[(0.6, 0.5), (0.7, 0)] * 3, (1, 0))
    assert times(slice_silence(heard)) == [(0.49, 4.71)]


def test_a_short_remain_is_dropped_unless_it_is_all_there_is() -> None:
    long_and_short = recording((4, 0.5), (3, 0), (1, 0.5))
    assert times(slice_silence(long_and_short)) == [(0, 4.51)]
    only_short = recording((3, 0), (1.5, 0.5), (3, 0))
    assert times(slice_silence(only_short)) == [(2.49, 5.01)]


@pytest.mark.parametrize(
    "heard",
    [
        recording((5, 0)),
        recording((5, 0.001)),
        recording((2, 0), (0.3, 0.5), (2, 0)),
        recording((0.02, 0.5)),
        recording((0.001, 0.5)),
    ],
    ids=["digital silence", "-63 dB", "0.3 s of sound", "20 ms", "less than a frame"],
)
def test_silence_and_specks_give_no_clip(heard: Waveform) -> None:
    assert slice_silence(heard) == []


def test_a_click_in_a_pause_is_not_sound() -> None:
    heard = recording((4, 0.5), (2, 0), (0.03, 0.5), (2, 0), (4, 0.5))
    assert times(slice_silence(heard)) == [(0, 4.51), (7.52, 12.03)]


def test_the_threshold_follows_the_recording() -> None:
    parts = ((4, 0.5), (2, 0.0), (4, 0.5))
    quiet = [(seconds, amplitude / 50) for seconds, amplitude in parts]
    assert slice_silence(recording(*quiet)) == slice_silence(recording(*parts))


def test_noise_in_the_pauses_is_told_from_sound() -> None:
    speech = recording((4, 0.5), (3, 0), (4, 0.5), seed=1).samples
    hum = recording((11, 0.5 * 10 ** (-33 / 20)), seed=2).samples
    segments = slice_silence(Waveform(speech + hum, RATE))
    assert times(segments) == [(0, 4.51), (6.49, 11)]


def test_only_the_given_spans_are_used() -> None:
    slicer = Slicer(RATE)
    slicer.push(recording((20, 0.5)))
    segments = slicer.finish(within=[(12.0, 16.0), (2.003, 6.008), (5.0, 8.0)])
    assert times(segments) == [(2.01, 8.0), (12.0, 16.0)]
    assert slicer.finish(within=[]) == []


def test_channels_are_averaged_and_the_rate_is_checked() -> None:
    mono = recording((4, 0.5), (3, 0), (5, 0.5))
    both = Waveform(np.concatenate([mono.samples, mono.samples]), RATE)
    assert slice_silence(both) == slice_silence(mono)
    with pytest.raises(AudioError, match=r"16000 Hz in a recording at 8000 Hz"):
        Slicer(RATE).push(Waveform(mono.samples, 16000))


def test_lengths_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(ValidationError, match="max_clip_s = 5 must be at least twice"):
        SlicerConfig(min_clip_s=3.0, max_clip_s=5.0)
    with pytest.raises(ValidationError, match="min_sound_s = 4 must not exceed"):
        SlicerConfig(min_sound_s=4.0)


levels = st.sampled_from([0.0, 0.0, 0.001, 0.05, 0.3, 0.5])
recordings = st.lists(
    st.tuples(st.integers(1, 500).map(lambda frames: frames / 100), levels), min_size=1, max_size=12
)


@given(parts=recordings, seed=st.integers(0, 3), cuts=st.lists(st.integers(1, 20_000), max_size=6))
@settings(max_examples=60, deadline=None)
def test_blocks_of_any_length_give_the_segments_of_the_whole(
    parts: list[tuple[float, float]], seed: int, cuts: list[int]
) -> None:
    heard = recording(*parts, seed=seed)
    slicer = Slicer(RATE, SHORT)
    borders = sorted({0, heard.n_samples, *(cut for cut in cuts if cut < heard.n_samples)})
    for start, end in itertools.pairwise(borders):
        slicer.push(heard.cut(start, end))
    assert slicer.finish() == slice_silence(heard, SHORT)


@given(parts=recordings, seed=st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_every_recording_keeps_the_promises(parts: list[tuple[float, float]], seed: int) -> None:
    heard = recording(*parts, seed=seed)
    segments = slice_silence(heard, SHORT)
    for left, right in itertools.pairwise(segments):
        assert left.end <= right.start
    for segment in segments:
        assert 0 <= segment.start < segment.end <= heard.n_samples
        assert segment.duration_s <= SHORT.max_clip_s
        assert np.any(heard.samples[0, segment.start : segment.end])
    if any(segment.duration_s >= SHORT.min_clip_s for segment in segments):
        assert all(segment.duration_s >= SHORT.min_clip_s for segment in segments)


@given(
    amplitudes=st.lists(st.floats(0.2, 0.5), min_size=60, max_size=90),
    low=st.integers(11, 38),
    length=st.integers(1, 2),
)
@settings(max_examples=40, deadline=None)
def test_a_low_within_reach_is_where_a_long_sound_is_cut(
    amplitudes: list[float], low: int, length: int
) -> None:
    """Sound without pauses, its level new every 100 ms, with one low between 1.1 and 4 s."""
    amplitudes[low : low + length] = [0.02] * length
    heard = recording(*[(0.1, amplitude) for amplitude in amplitudes])
    first = slice_silence(heard, SHORT)[0]
    assert low / 10 <= first.end_s <= (low + length) / 10
