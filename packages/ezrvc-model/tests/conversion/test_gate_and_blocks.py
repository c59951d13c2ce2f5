import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrvc_model.conversion.blocks import plan_blocks
from ezrvc_model.conversion.gate import Span, fade_edges, sounding_spans

RATE_HZ = 100.0
MARGIN = 6  # frames at 100 a second


def volume_of(*parts: tuple[int, float]) -> np.ndarray:
    return np.concatenate([np.full(n, level, np.float32) for n, level in parts])


def test_silence_has_no_spans() -> None:
    assert sounding_spans(np.zeros(50, np.float32), -50.0, RATE_HZ) == []
    assert sounding_spans(np.zeros(1, np.float32), None, RATE_HZ) == []


def test_a_pause_parts_two_spans_that_reach_a_little_into_it() -> None:
    volume = volume_of((100, 0.1), (200, 0.0), (100, 0.1))
    assert sounding_spans(volume, None, RATE_HZ) == [
        Span(0, 100 + MARGIN),
        Span(300 - MARGIN, 400),
    ]


def test_a_short_dip_is_no_pause() -> None:
    assert sounding_spans(volume_of((100, 0.1), (21, 0.0), (100, 0.1)), None, RATE_HZ) == [
        Span(0, 221)
    ]
    assert len(sounding_spans(volume_of((100, 0.1), (22, 0.0), (100, 0.1)), None, RATE_HZ)) == 2


@pytest.mark.parametrize(("level", "n_spans"), [(0.1 * 10**-2.4, 1), (0.1 * 10**-2.6, 2)])
def test_the_threshold_is_relative_to_the_loud_parts(level: float, n_spans: int) -> None:
    volume = volume_of((100, 0.1), (100, level), (100, 0.1))
    assert len(sounding_spans(volume, -50.0, RATE_HZ)) == n_spans
    assert len(sounding_spans(volume / 2, -50.0, RATE_HZ)) == n_spans
    assert len(sounding_spans(volume, None, RATE_HZ)) == 1


def test_what_lies_below_any_speech_is_silence_with_a_threshold_only() -> None:
    dither = volume_of((100, 2e-5))
    assert sounding_spans(dither, -50.0, RATE_HZ) == []
    assert sounding_spans(dither, None, RATE_HZ) == [Span(0, 100)]


def test_fades_touch_the_asked_for_edges_only() -> None:
    ones = np.ones(1000, np.float32)
    faded = fade_edges(ones, 10_000, fade_in=True, fade_out=False)
    assert faded[0] < 0.001
    assert np.all(np.diff(faded[:200]) > 0)
    assert np.array_equal(faded[200:], ones[200:])
    assert np.array_equal(fade_edges(ones, 10_000, fade_in=False, fade_out=True), faded[::-1])
    assert np.array_equal(fade_edges(ones, 10_000, fade_in=False, fade_out=False), ones)
    assert len(fade_edges(ones[:1], 10_000, fade_in=True, fade_out=True)) == 1


@given(
    lengths=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 50)), min_size=1, max_size=4),
    block_frames=st.integers(20, 150),
    context_frames=st.integers(1, 30),
    seed=st.integers(0, 100),
)
def test_blocks_cover_each_span_once_and_are_bounded(
    lengths: list[tuple[int, int]], block_frames: int, context_frames: int, seed: int
) -> None:
    spans: list[Span] = []
    position = 0
    for sounding, pause in lengths:
        spans.append(Span(position, position + sounding))
        position += sounding + pause
    volume = np.random.default_rng(seed).random(position)
    blocks = plan_blocks(spans, volume, block_frames=block_frames, context_frames=context_frames)
    covered = [frame for block in blocks for frame in range(block.start, block.end)]
    assert covered == [frame for span in spans for frame in range(span.start, span.end)]
    assert [block.start for block in blocks if block.opens] == [span.start for span in spans]
    assert [block.end for block in blocks if block.closes] == [span.end for span in spans]
    for block in blocks:
        assert block.end - block.start <= block_frames
        assert block.window_start == max(0, block.start - context_frames)
        assert block.window_end == block.end + context_frames
        if not (block.opens and block.closes):
            assert block.end - block.start >= int(block_frames * 0.25)


def test_cuts_go_to_the_quietest_place_within_reach() -> None:
    volume = np.ones(150, np.float32)
    volume[73] = 0.1
    volume[30] = 0.0  # too early
    blocks = plan_blocks([Span(0, 150)], volume, block_frames=100, context_frames=5)
    assert [(block.start, block.end) for block in blocks] == [(0, 73), (73, 150)]
