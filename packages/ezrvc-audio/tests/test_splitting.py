"""The split of a speaker's clips, by hand and for every set of recordings."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrvc_audio.config import SplitConfig
from ezrvc_audio.errors import AudioError
from ezrvc_audio.splitting import Recording, file_lists, read_file_list, split_recordings


def recordings(*n_clips: int, first: int = 0) -> list[Recording]:
    return [
        Recording(f"s/{first + i}.wav", tuple(f"audio/s/{first + i}-{k}.wav" for k in range(n)))
        for i, n in enumerate(n_clips)
    ]


def held_out_counts(*n_clips: int) -> list[int]:
    return sorted(r.n_held_out for r in split_recordings(recordings(*n_clips)))


@pytest.mark.parametrize(
    ("n_clips", "held_out"),
    [
        ([1], [0]),
        ([2], [1]),
        ([3], [2]),
        ([10], [2]),
        ([50], [5]),
        ([1, 1], [0, 1]),
        ([1, 1, 1], [0, 1, 1]),
        ([1] * 10, [0] * 8 + [1] * 2),
        ([1] * 50, [0] * 45 + [1] * 5),
        ([10] * 10, [0] * 9 + [10]),
        ([4, 4, 4], [0, 0, 4]),
        ([30, 30], [0, 6]),
        ([5, 300], [0, 5]),
        ([1, 300], [1, 29]),
    ],
    ids=str,
)
def test_what_is_held_out_of_few_and_many_recordings(
    n_clips: list[int], held_out: list[int]
) -> None:
    assert held_out_counts(*n_clips) == held_out


def test_a_small_recording_is_preferred_to_dividing_a_large_one() -> None:
    chosen = [r for r in split_recordings(recordings(30, 12, 30)) if r.held_out]
    assert [(r.name, r.held_out) for r in chosen] == [("s/1.wav", "all")]


def test_the_only_clip_is_trained_on_and_listened_to() -> None:
    (only,) = split_recordings(recordings(1))
    assert file_lists([only]) == (["audio/s/0-0.wav"], ["audio/s/0-0.wav"])


def test_recordings_without_clips_stay_undecided() -> None:
    empty, full = split_recordings(recordings(0, 5))
    assert (empty.held_out, full.held_out) == (None, 2)


def test_decisions_are_made_anew_when_removals_leave_nothing_to_check_with() -> None:
    decided = split_recordings(recordings(*[1] * 20))
    left = [recording for recording in decided if recording.held_out == 0]
    train, validation = file_lists(split_recordings(left))
    assert (len(train), len(validation)) == (16, 2)


counts = st.lists(st.integers(0, 40), min_size=1, max_size=12)
configs = st.builds(
    SplitConfig,
    validation_share=st.sampled_from([0.05, 0.1, 0.3]),
    min_validation_clips=st.integers(1, 4),
    max_recording_share=st.sampled_from([0.0, 0.35, 0.5]),
)


@given(n_clips=counts, config=configs)
@settings(max_examples=200)
def test_every_split_trains_on_something_and_checks_on_something_else(
    n_clips: list[int], config: SplitConfig
) -> None:
    decided = split_recordings(recordings(*n_clips), config)
    train, validation = file_lists(decided)
    total = sum(n_clips)
    if total > 1:
        assert not set(train) & set(validation)
        assert sorted(train + validation) == sorted(c for r in decided for c in r.clips)
        assert len(validation) >= min(config.min_validation_clips, total - 1)
        wanted = max(config.min_validation_clips, round(config.validation_share * total))
        assert len(validation) <= max(wanted, config.max_recording_share * total)
    assert len(train) >= min(1, total)
    assert sum(0 < r.n_held_out < len(r.clips) for r in decided) <= 1


@given(n_clips=counts, seed=st.integers(0, 100))
@settings(max_examples=50)
def test_the_order_of_recordings_does_not_matter(n_clips: list[int], seed: int) -> None:
    given_order = recordings(*n_clips)
    shuffled = random.Random(seed).sample(given_order, len(given_order))
    decisions = {r.name: r.held_out for r in split_recordings(given_order)}
    assert {r.name: r.held_out for r in split_recordings(shuffled)} == decisions


@given(n_clips=counts, added=st.lists(counts, min_size=1, max_size=4), config=configs)
@settings(max_examples=200)
def test_a_rerun_or_added_recordings_never_move_a_clip(
    n_clips: list[int], added: list[list[int]], config: SplitConfig
) -> None:
    decided = split_recordings(recordings(*n_clips), config)
    for more in added:
        train, validation = map(set, file_lists(decided))
        total = len(train | validation)
        assert split_recordings(decided, config) == decided
        new = recordings(*more, first=len(decided))
        decided = split_recordings([*decided, *new], config)
        train_after, validation_after = map(set, file_lists(decided))
        assert train <= train_after
        if total > 1:  # the only clip of a speaker is in both lists
            assert validation <= validation_after
            assert not train_after & validation_after


def test_a_recording_cut_anew_keeps_its_side() -> None:
    decided = split_recordings(recordings(*[3] * 20))
    cut_anew = [replace(r, clips=(*r.clips, f"{r.name}-more")) for r in decided]
    assert [r.held_out for r in split_recordings(cut_anew)] == [r.held_out for r in decided]
    assert {r.n_held_out for r in cut_anew} == {0, 4}


def test_file_lists_are_read_with_any_name(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text("audio/o'n \u2028e/ä-0001.wav\naudio/二/🎤-0002.wav\n", encoding="utf-8")
    assert read_file_list(path) == ["audio/o'n \u2028e/ä-0001.wav", "audio/二/🎤-0002.wav"]
    path.write_text("", encoding="utf-8")
    with pytest.raises(AudioError, match=r"train\.txt: lists no clips; run preprocess"):
        read_file_list(path)
    with pytest.raises(AudioError, match=r"missing\.txt: cannot be read .*; run preprocess"):
        read_file_list(tmp_path / "missing.txt")
