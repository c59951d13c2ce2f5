"""The data order is a function of (seed, step)."""

import pytest

from ezrvc_model.data.order import ClipOrder, visit_entropy


def test_each_epoch_visits_every_clip_once() -> None:
    order = ClipOrder(n_clips=7, batch_size=3, seed=1)
    visits = [visit for step in range(14) for visit in order.batch(step)]
    for epoch in range(6):
        seen = sorted(visit.clip for visit in visits if visit.epoch == epoch)
        assert seen == list(range(7))


def test_epochs_differ_and_seeds_differ() -> None:
    def row(seed: int) -> list[int]:
        order = ClipOrder(n_clips=20, batch_size=20, seed=seed)
        return [visit.clip for step in range(2) for visit in order.batch(step)]

    assert row(1)[:20] != row(1)[20:]
    assert row(1) != row(2)


def test_a_batch_does_not_depend_on_those_asked_for_before() -> None:
    whole = ClipOrder(5, 4, seed=3)
    batches = [whole.batch(step) for step in range(10)]
    for step in (7, 2, 9):
        assert ClipOrder(5, 4, seed=3).batch(step) == batches[step]


def test_a_set_smaller_than_a_batch_fills_it_from_several_epochs() -> None:
    batch = ClipOrder(n_clips=2, batch_size=5, seed=0).batch(0)
    assert [visit.epoch for visit in batch] == [0, 0, 1, 1, 2]


def test_epoch_counts_whole_passes() -> None:
    order = ClipOrder(n_clips=10, batch_size=4, seed=0)
    assert [order.epoch(step) for step in (0, 2, 3, 5)] == [0, 0, 1, 2]


def test_no_clips_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs clips"):
        ClipOrder(0, 4, seed=0)


def test_entropy_differs_by_each_of_its_parts() -> None:
    entropies = {
        visit_entropy(1, 0, "a"),
        visit_entropy(2, 0, "a"),
        visit_entropy(1, 1, "a"),
        visit_entropy(1, 0, "b"),
    }
    assert len(entropies) == 4
