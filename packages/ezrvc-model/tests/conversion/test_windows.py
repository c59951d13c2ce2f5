import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrvc_audio.waveform import Waveform
from ezrvc_model.conversion.windows import SlidingSource


@given(
    lengths=st.lists(st.integers(1, 40), max_size=8),
    windows=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8),
)
def test_windows_are_slices_of_the_whole_with_silence_after_it(
    lengths: list[int], windows: list[tuple[int, int]]
) -> None:
    whole = np.arange(1, sum(lengths) + 1, dtype=np.float32)
    ends = np.cumsum(lengths)
    source = SlidingSource(
        Waveform(whole[end - n : end], 8000) for n, end in zip(lengths, ends, strict=True)
    )
    padded = np.concatenate((whole, np.zeros(600, np.float32)))
    start = 0
    for step, length in windows:
        start += step
        assert np.array_equal(source.read(start, start + length), padded[start : start + length])
        if start + length > len(whole):
            assert source.n_samples == len(whole)


def test_no_more_is_taken_in_than_a_window_needs() -> None:
    taken = 0

    def blocks():
        nonlocal taken
        while True:
            taken += 1
            yield Waveform(np.ones(100, np.float32), 8000)

    source = SlidingSource(blocks())
    source.read(0, 250)
    assert taken == 3
    source.read(10_000, 10_050)
    assert taken == 101
    assert source.n_samples is None


def test_a_window_never_moves_back() -> None:
    source = SlidingSource([Waveform(np.ones(100, np.float32), 8000)])
    source.read(50, 60)
    with pytest.raises(ValueError, match="window at 49 after one at 50"):
        source.read(49, 60)
