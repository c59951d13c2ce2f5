"""What `auto` comes to: settings that follow from what a run starts from, settled when it begins.

What is settled stays so while the run lives, whatever a later version of the program would choose.
(The batch size, which follows from the device, is found by `trial`.)
"""

from collections.abc import Mapping

from ezrvc_model.builtin import BUILT_IN_SCHEME
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.training.bases.base import Base
from ezrvc_model.training.checkpoint import CheckpointRecord

FINE_TUNING_STEPS = 400
"""Of a run that starts from the built-in voice."""
_FROM_NOTHING = {"max_steps": 100_000, "good_from_step": 10_000, "warm_up_steps": 0}
_FROM_BASE = {**_FROM_NOTHING, "warm_up_steps": 50}
_FROM_BUILT_IN = {**_FROM_BASE, "max_steps": FINE_TUNING_STEPS, "good_from_step": 0}


def settle(settings: TrainConfig, base: Base | None) -> TrainConfig:
    """Settle what a new run leaves open.

    Args:
        settings: as asked for, the base settled already.
        base: what the run starts from; None: nothing.
    """
    opponent = None if base is None else base.discriminator
    narrowing = 1 if opponent is None else opponent.narrowing
    numbers = _FROM_NOTHING if base is None else _FROM_BASE
    if settings.base.startswith(BUILT_IN_SCHEME):
        numbers = _FROM_BUILT_IN
    narrowed = _narrowed(settings, narrowing)
    return settings.model_copy(update={**_left_open(settings, numbers), "discriminator": narrowed})


def settle_as_before(settings: TrainConfig, base: str, record: CheckpointRecord) -> TrainConfig:
    """Settle what a run that has begun leaves open: as it was.

    Args:
        settings: as asked for now.
        base: the address of what the run started from, or `none`.
        record: of the checkpoint that it continues from.
    """
    before = DiscriminatorConfig.from_tree(record.fixed["train"]["discriminator"])
    narrowed = _narrowed(settings, before.resolved_narrowing)
    numbers = {**_FROM_NOTHING, **record.settled}  # earlier versions knew no others
    settled = {**_left_open(settings, numbers), "discriminator": narrowed}
    if settings.base == "auto":
        settled["base"] = base
    if settings.batch_size == "auto" and record.batch_size is not None:
        settled["batch_size"] = record.batch_size
    return settings.model_copy(update=settled)


def settled_numbers(settings: TrainConfig) -> dict[str, int]:
    """What a run must remember of its settings to be held to it."""
    return {name: getattr(settings, name) for name in _FROM_NOTHING}


def _left_open(settings: TrainConfig, numbers: Mapping[str, int]) -> dict[str, object]:
    """Those of the numbers that nobody has asked for."""
    return {name: numbers[name] for name in _FROM_NOTHING if getattr(settings, name) == "auto"}


def _narrowed(settings: TrainConfig, narrowing: int) -> DiscriminatorConfig:
    """The discriminator's shape; the width given here is taken if none is asked for."""
    asked = settings.discriminator
    if asked.narrowing != "auto":
        return asked
    return asked.model_copy(update={"narrowing": narrowing})
