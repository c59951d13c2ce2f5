"""A training step recorded once for each shape of batch, then replayed as one piece of work.

A step asks a device for thousands of small pieces of work, and on a fast device asking takes
longer than doing. A recording asks once. It repeats what was done with the very same memory, so
what differs from step to step has to lie in tensors: the batch in buffers that stay where they
are, noise as a hash of the batch's keys, the learning rate in a tensor of its own.
"""

import logging
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

import torch
from lightning.fabric import Fabric
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ezrvc_model.config import TrainConfig
from ezrvc_model.data.pieces import Pieces
from ezrvc_model.errors import ModelError
from ezrvc_model.training.fabric import scales_gradients
from ezrvc_model.training.metrics import Metrics
from ezrvc_model.training.state import TrainingState

_log = logging.getLogger(__name__)
WARM_UP = 3
"""Steps of each shape that are taken as ever before one is recorded: libraries choose kernels and
set memory aside in them."""

_Key = tuple[tuple[torch.Size, torch.dtype], ...]


class Recorder(Protocol):
    """Records work on a device without doing it."""

    def __call__(self, work: Callable[[], None]) -> Callable[[], None]:
        """What does the work with the same tensors, as often as it is called."""
        ...


class CudaRecorder:
    """Records CUDA graphs, whose memory is shared: only one of them runs at a time."""

    def __init__(self) -> None:
        self._pool: Any = None

    def __call__(self, work: Callable[[], None]) -> Callable[[], None]:
        """See `Recorder`."""
        graph = torch.cuda.CUDAGraph()
        # threads that put batches into page-locked memory meanwhile may ask the device for it
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            work()
        self._pool = graph.pool()
        return graph.replay


def recorder_for(fabric: Fabric, settings: TrainConfig) -> Recorder | None:
    """What records steps on the device of a run; None: they are taken one by one.

    Raises:
        ModelError: steps are to be recorded and cannot be.
    """
    if settings.cuda_graphs is False:
        return None
    reason = _obstacle(fabric)
    if settings.cuda_graphs == "auto":
        unsure = settings.compile and not settings.fixed_length
        return None if reason is not None or unsure else CudaRecorder()
    if reason is not None:
        raise ModelError(reason)
    return CudaRecorder()


def _obstacle(fabric: Fabric) -> str | None:
    """Why steps cannot be recorded, and what to do."""
    if fabric.device.type != "cuda":
        return (
            f"train.cuda_graphs is for CUDA devices, this run is on {fabric.device}: leave it out"
        )
    if fabric.world_size > 1 or scales_gradients(fabric):
        return (
            "train.cuda_graphs is for one process, in fp32 or bf16: leave it out, or set "
            "train.processes=1 and train.precision=bf16"
        )
    return None


@dataclass(frozen=True, eq=False)
class _Recording:
    """One step of one shape: where its input goes, what does it, where its answers are."""

    buffers: Pieces
    replay: Callable[[], None]
    metrics: Metrics
    norms: tuple[torch.Tensor | None, ...]
    external: list[torch.Tensor]


class CapturedStep:
    """Takes training steps, from the fourth of a shape on by replaying a recording.

    Where recording fails, for want of memory or because the device or its driver cannot do it,
    that is logged once and steps are taken one by one from then on.

    Args:
        step: takes one; asks the host nothing, and reads no number that changes from step to step
            but those in tensors.
        state: what it moves.
        record: records what it does.
    """

    def __init__(
        self, step: Callable[[Pieces], Metrics], state: TrainingState, record: Recorder
    ) -> None:
        self._step = step
        self._state = state
        self._record: Recorder | None = record
        self._taken: dict[_Key, int] = {}
        self._recordings: dict[_Key, _Recording] = {}
        state.keep_learning_rate_in_tensors()

    def __call__(self, pieces: Pieces) -> Metrics:
        """Take a step; `pieces` may lie anywhere."""
        key = _key(pieces)
        recording = self._recordings.get(key)
        if recording is None:
            self._taken[key] = self._taken.get(key, 0) + 1
            if self._taken[key] > WARM_UP and self._record is not None:
                recording = self._try_to_record(pieces, self._record)
            if recording is None:
                return self._step(pieces.to(self._state.fabric.device))
            self._recordings[key] = recording
        for name in _names(pieces):
            getattr(recording.buffers, name).copy_(getattr(pieces, name), non_blocking=True)
        recording.replay()
        # the next replay writes over what this one gave
        for learner, norms in zip(self._learners, recording.norms, strict=True):
            learner.gradient_norms = None if norms is None else norms.clone()
        values = torch.stack([value.float() for value in recording.metrics.values()])
        return dict(zip(recording.metrics, values.unbind(), strict=True))

    def forget(self) -> None:
        """Let go of all recordings: the state's tensors were exchanged for others."""
        self._recordings.clear()
        self._taken.clear()
        self._state.keep_learning_rate_in_tensors()

    @property
    def _learners(self) -> tuple[Any, ...]:
        return (self._state.generator, self._state.discriminator)

    def _try_to_record(self, pieces: Pieces, record: Recorder) -> _Recording | None:
        try:
            return self._recorded(pieces, record)
        except RuntimeError as error:  # out of memory is one, too
            _log.warning(
                "steps cannot be recorded here and are taken one by one, which is slower "
                "(train.cuda_graphs=false does so from the start): %s",
                str(error).partition("\n")[0],
            )
            self._record = None
            return None

    def _recorded(self, pieces: Pieces, record: Recorder) -> _Recording:
        device = self._state.fabric.device
        buffers = Pieces(**{n: getattr(pieces, n).to(device, copy=True) for n in _names(pieces)})
        metrics: dict[str, torch.Tensor] = {}
        kept = _External()

        def work() -> None:
            with kept:
                metrics.update(self._step(buffers))

        with self._state.capturable():
            replay = record(work)
        norms = tuple(learner.gradient_norms for learner in self._learners)
        return _Recording(buffers, replay, metrics, norms, kept.tensors)


class _External(TorchDispatchMode):
    """Holds what is read while entered and was not made while entered.

    A recording does not keep the tensors that it reads; a table that somebody else makes once and
    drops when it has too many would vanish under it. Networks that are compiled make tensors that
    are not seen before they are read; those are gone again at the end, and what is held meanwhile
    are weak references.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tensors: list[torch.Tensor] = []
        self._seen: list[weakref.ref[torch.Tensor]] = []
        self._known: set[int] = set()

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Compiled networks stay compiled while this looks on."""
        return True

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        alive = [reference() for reference in self._seen]
        self.tensors = [tensor for tensor in alive if tensor is not None]

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        for tensor in _tensors((args, kwargs)):
            place = tensor.untyped_storage()._cdata
            if place not in self._known:
                self._known.add(place)
                self._seen.append(weakref.ref(tensor))
        made = func(*args, **(kwargs or {}))
        self._known.update(tensor.untyped_storage()._cdata for tensor in _tensors(made))
        return made


def _tensors(tree: object) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _names(pieces: Pieces) -> list[str]:
    return [field.name for field in fields(pieces)]


def _key(pieces: Pieces) -> _Key:
    tensors = [getattr(pieces, name) for name in _names(pieces)]
    return tuple((tensor.shape, tensor.dtype) for tensor in tensors)
