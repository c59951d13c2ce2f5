"""Where a run begins: at its newest checkpoint, at a base, or at nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from ezrvc_device.progress import Progress
from ezrvc_features.config import FeatureConfig
from ezrvc_model.builtin import BUILT_IN_SCHEME
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.training.automatic import settle, settle_as_before
from ezrvc_model.training.bases.base import Base
from ezrvc_model.training.bases.choosing import NOTHING, choose_base
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
        settings: with what the run has settled, now or before.
        model: with a row of the speaker table for everybody.
        speakers: name to row: the experiment's, then those that only the base knows.
        origin: for the voice's card.
        account: where it begins and why, for people.
    """

    found: FoundCheckpoint
    base: Base | None
    settings: TrainConfig
    model: SynthesizerConfig
    speakers: dict[str, int]
    origin: Origin
    account: str

    @property
    def step(self) -> int:
        """Finished steps."""
        return 0 if self.found.record is None else self.found.record.step


def begin(
    run: RunFolder,
    model: SynthesizerConfig,
    settings: TrainConfig,
    features: FeatureConfig,
    speakers: Mapping[str, int],
    progress: Progress,
) -> Beginning:
    """Find the newest whole checkpoint of a run, or else what it is to start from.

    A run that has begun keeps its base, its speakers and what `auto` came to, whether they are
    asked for again or not; the base itself is not needed any more. The speakers of a built-in base
    do not come along: a voice that learns somebody else forgets them.

    Raises:
        ModelError: no checkpoint is whole; or there is no such base, or it is damaged.
        WeightsError: the base cannot be fetched.
    """
    found = find_newest(run.checkpoints)
    if found.record is not None:
        return _continue(found, found.record, model, settings, speakers)
    choice = choose_base(settings.base, model, features)
    settings = settings.model_copy(update={"base": choice.address})
    base, everybody, origin = None, dict(speakers), Origin()
    if choice.address != NOTHING:
        base = read_base(choice.address, run.root.parent, model, progress)
        origin = base.origin
        if base.keeps_speakers:
            everybody = extend(speakers, sorted(base.speakers, key=base.speakers.__getitem__))
    settings = settle(settings, base)
    return Beginning(
        found, base, settings, _widened(model, everybody), everybody, origin, choice.account
    )


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
    base: str = record.fixed["train"].get("base") or NOTHING
    everybody = dict(speakers)
    if base != NOTHING and not base.startswith(BUILT_IN_SCHEME):
        before: dict[str, int] = record.fixed["speakers"]
        everybody |= {name: row for name, row in before.items() if name not in speakers}
    return Beginning(
        found,
        None,
        settle_as_before(settings, base, record),
        _widened(model, everybody),
        everybody,
        record.origin,
        f"goes on from step {record.step}" + (f", began from {base}" if base != NOTHING else ""),
    )


def _widened(model: SynthesizerConfig, speakers: Mapping[str, int]) -> SynthesizerConfig:
    """The network with a row of the speaker table for everybody."""
    return model.model_copy(update={"n_speakers": max(model.n_speakers, len(speakers))})
