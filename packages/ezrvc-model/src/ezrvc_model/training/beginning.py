"""Where a run begins: at its newest checkpoint, at a base, or at nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from ezrvc_device.progress import Progress
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.training.bases.base import Base
from ezrvc_model.training.bases.reading import read_base
from ezrvc_model.training.checkpoint import CheckpointRecord
from ezrvc_model.training.checkpoint_folder import FoundCheckpoint, find_newest
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.voice_card import Origin


@dataclass(frozen=True)
class Beginning:
    """What follows from where a run begins.

    Attributes:
        found: the checkpoint to continue from, if any.
        base: what a new run starts from; None: nothing, or it is no new run.
        settings: with what the run has settled before.
        model: with a row of the speaker table for everybody.
        speakers: name to row: the experiment's, then those that only the base knows.
        origin: for the voice's card.
    """

    found: FoundCheckpoint
    base: Base | None
    settings: TrainConfig
    model: SynthesizerConfig
    speakers: dict[str, int]
    origin: Origin

    @property
    def step(self) -> int:
        """Finished steps."""
        return 0 if self.found.record is None else self.found.record.step


def begin(
    run: RunFolder,
    model: SynthesizerConfig,
    settings: TrainConfig,
    speakers: Mapping[str, int],
    progress: Progress,
) -> Beginning:
    """Find the newest whole checkpoint of a run, or else what it is to start from.

    A run that has begun keeps its base, its speakers and the batch size it found, whether they
    are asked for again or not; the base itself is not needed any more.

    Raises:
        ModelError: no checkpoint is whole; or there is no such base, or it is damaged.
        WeightsError: the base cannot be fetched.
    """
    found = find_newest(run.checkpoints)
    if found.record is not None:
        return _continue(found, found.record, model, settings, speakers)
    if settings.base is None:
        return _beginning(found, None, settings, model, dict(speakers), Origin())
    base = read_base(settings.base, run.root.parent, model, progress)
    known = sorted(base.speakers, key=base.speakers.__getitem__)
    everybody = extend(speakers, known)
    return _beginning(found, base, settings, model, everybody, base.origin)


def extend(speakers: Mapping[str, int], others: list[str]) -> dict[str, int]:
    """The experiment's speakers, and after them the others that are not among them."""
    added = [name for name in others if name not in speakers]
    return {**speakers, **{name: len(speakers) + place for place, name in enumerate(added)}}


def _continue(
    found: FoundCheckpoint,
    record: CheckpointRecord,
    model: SynthesizerConfig,
    settings: TrainConfig,
    speakers: Mapping[str, int],
) -> Beginning:
    fixed_base = record.fixed["train"].get("base")
    everybody = dict(speakers)
    if fixed_base is not None:
        before: dict[str, int] = record.fixed["speakers"]
        everybody |= {name: row for name, row in before.items() if name not in speakers}
    settled: dict[str, object] = {"base": settings.base or fixed_base}
    if settings.batch_size == "auto" and record.batch_size is not None:
        settled["batch_size"] = record.batch_size
    settings = settings.model_copy(update=settled)
    return _beginning(found, None, settings, model, everybody, record.origin)


def _beginning(
    found: FoundCheckpoint,
    base: Base | None,
    settings: TrainConfig,
    model: SynthesizerConfig,
    speakers: dict[str, int],
    origin: Origin,
) -> Beginning:
    table = max(model.n_speakers, len(speakers))
    widened = model.model_copy(update={"n_speakers": table})
    return Beginning(found, base, settings, widened, speakers, origin)
