"""The best validation, and the rule by which validation has flattened."""

import pytest

from ezrvc_model.training.best import Validated, advice_to_stop, best_of, validations


def found(*values: float) -> list[Validated]:
    return [Validated(100 * (place + 1), value) for place, value in enumerate(values)]


def test_the_lowest_is_the_best_and_of_equals_the_earliest() -> None:
    assert best_of(found(3.0, 1.0, 2.0, 1.0)) == Validated(200, 1.0)
    assert best_of([]) is None


def test_validations_are_the_rows_that_have_one() -> None:
    rows = [{"step": 1, "generator/mel": 5.0}, {"step": 2, "validation/mel": 4.0}]
    assert validations(rows) == [Validated(2, 4.0)]


def test_advice_comes_when_five_validations_gain_less_than_a_hundredth() -> None:
    advice = advice_to_stop(found(2.0, 1.0, 1.2, 0.995, 1.1, 1.0, 1.3))
    assert advice is not None  # 0.995 is not below 1.0 * 0.99
    assert "best 0.9950 at step 400" in advice
    assert advice_to_stop(found(2.0, 1.0, 1.2, 0.989, 1.1, 1.0, 1.3)) is None


@pytest.mark.parametrize("n", [0, 1, 5])
def test_no_advice_before_there_is_anything_to_compare(n: int) -> None:
    assert advice_to_stop(found(*[1.0] * n)) is None


def test_six_equal_validations_have_flattened() -> None:
    assert advice_to_stop(found(*[1.0] * 6)) is not None
