"""The loop: batch after batch, with logging, validation and saving where they are due."""

import contextlib
import logging
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from torch.utils.data import DataLoader

from ezrvc_device.progress import Progress
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batch import Batch
from ezrvc_model.data.batches import TrainingBatches
from ezrvc_model.data.clip_set import ClipSet
from ezrvc_model.data.pieces import Pieces
from ezrvc_model.errors import ModelError
from ezrvc_model.training.captured_step import CapturedStep, Recorder
from ezrvc_model.training.interruption import StopRequest
from ezrvc_model.training.listener import Listener
from ezrvc_model.training.loggers import open_sinks
from ezrvc_model.training.metrics import Metrics, MetricWindow
from ezrvc_model.training.not_finite import (
    GradientLog,
    NotFiniteError,
    first_bad_output,
    first_bad_parameter,
)
from ezrvc_model.training.observers import TrainingObserver, Validator
from ezrvc_model.training.processes import Agreement
from ezrvc_model.training.randomness import KeyedNoise, seed_step
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.saving import Saver
from ezrvc_model.training.schedule import learning_rate
from ezrvc_model.training.sinks import MetricSink
from ezrvc_model.training.state import TrainingState
from ezrvc_model.training.status import marked_as_running
from ezrvc_model.training.steps import imitate, training_step
from ezrvc_model.training.validation import run_validators

_log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class Trainer:
    """Trains from the step the state is at to `max_steps`.

    Attributes:
        run: where the metrics go.
        model: of the generator.
        settings: how to train.
        state: what learns.
        batches: the batch of each step.
        saver: of checkpoints and voice, in the process that writes files.
        held_out: clips for validation.
        validators: that judge on them.
        observers: who is told.
        progress: is told the step.
        agreement: between the processes of the run.
        restart: brings the state back to the last good one.
        record: records steps, to replay them; None: each is taken as ever.
        listener: hears what the voice says; None: nobody does.
    """

    run: RunFolder
    model: SynthesizerConfig
    settings: TrainConfig
    state: TrainingState
    batches: TrainingBatches
    saver: Saver
    held_out: ClipSet
    validators: Sequence[Validator]
    observers: Sequence[TrainingObserver]
    progress: Progress
    agreement: Agreement
    restart: Callable[[], None]
    record: Recorder | None = None
    listener: Listener | None = None
    _gradients: GradientLog = field(default_factory=GradientLog)
    _captured: CapturedStep | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.record is not None:
            self._captured = CapturedStep(self._step, self.state, self.record)

    def fit(self) -> tuple[dict[str, float], bool]:
        """Train until `max_steps` or until asked to stop; saved at the end in both cases.

        Returns:
            The last of each metric, and whether it was asked to stop before the end.

        Raises:
            ModelError: a loss is not a number for the second time, or the run cannot be saved.
            OSError: metrics cannot be written, or a clip cannot be read any more.
        """
        with StopRequest() as stop, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Grad strides do not match bucket view")
            # tables that are kept between steps are made anew in compiled networks, and are equal
            warnings.filterwarnings("ignore", message="Dynamo detected a call to a `functools.lru")
            while True:
                try:
                    return self._fit(stop)
                except NotFiniteError as error:
                    self._go_back(error)

    def _fit(self, stop: StopRequest) -> tuple[dict[str, float], bool]:
        state, last = self.state, self.settings.resolved_max_steps
        window = MetricWindow()
        metrics: dict[str, float] = {}
        logged_at = (state.step, time.monotonic())
        stopping = False
        with self._sinks() as sinks:
            for pieces in self._loader():
                self._train_on(pieces, window)
                (stopping,) = self.agreement.any(stop.requested)
                finished = state.step == last or stopping
                self.progress("training", state.step, last)
                found: dict[str, float] = {}
                if finished or state.step % self.settings.log_every == 0:
                    found = window.mean() | self._speed(logged_at)
                    self._gradients.forget()
                    logged_at = (state.step, time.monotonic())
                if self._validation_is_due(finished, stopping):
                    found |= self._validate()
                self._tell(found, sinks)
                metrics |= found
                is_due = self._leads and self.saver.is_due(state.step, found)
                if finished or any(self.agreement.any(is_due)):
                    window.settle()  # nothing is saved that is not a number
                    if self._leads:
                        self.saver.save(state, self.batches.order.epoch(state.step))
                if finished:
                    break
            return metrics, stopping and state.step < last

    @property
    def _leads(self) -> bool:
        """Whether this is the process that writes files."""
        return self.state.fabric.is_global_zero

    def _train_on(self, pieces: Pieces, window: MetricWindow) -> None:
        state, settings = self.state, self.settings
        state.set_learning_rate(self._rate())
        seed_step(settings.seed, state.step, state.fabric.global_rank)
        metrics = self._step(pieces) if self._captured is None else self._captured(pieces)
        state.step += 1
        window.add(state.step, metrics)
        self._gradients.add(state.step, state)

    def _rate(self) -> float:
        """The learning rate of the step to come."""
        step = self.state.step
        return learning_rate(self.settings, self.batches.order.epoch(step), step)

    def _step(self, pieces: Pieces) -> Metrics:
        batch = self._on_device(pieces)
        noise = KeyedNoise(batch.keys)
        return training_step(self.state, batch, self.model, self.settings, noise, self.listener)

    def _on_device(self, pieces: Pieces) -> Batch:
        moved = pieces.to(self.state.fabric.device)
        return moved.analyse(self.model.frames, self.model.n_fft)

    def _go_back(self, error: NotFiniteError) -> None:
        """Return to the last good state with a lower learning rate, once in the life of a run.

        Raises:
            ModelError: the run has done so before.
        """
        what = f"{error.what} (first: {self._culprit(error.step)})"
        if self.state.rate_factor < 1:
            raise ModelError(
                f"{what}, although the learning rate had been lowered after the first time; "
                "training stopped and the last checkpoint is good: go on with a lower "
                "train.learning_rate, or train.precision=fp32"
            ) from error
        self._gradients.forget()
        self.restart()
        if self._captured is not None:
            self._captured.forget()
        self.state.rate_factor = self.settings.recovery_factor
        _log.warning(
            "%s; training goes back to step %d, with %g times the learning rate",
            what,
            self.state.step,
            self.state.rate_factor,
        )

    def _culprit(self, step: int) -> str:
        """What was not finite first, as far as can be told afterwards."""
        batch = self._on_device(self.batches[step - 1])

        def again() -> object:
            seed_step(self.settings.seed, step - 1, self.state.fabric.global_rank)
            noise = KeyedNoise(batch.keys)
            return imitate(self.state, batch, self.model, self.settings, noise)

        return (
            first_bad_parameter(self.state)
            or first_bad_output(self.state, again)
            or self._gradients.first_bad(step, self.state)
            or "a loss"
        )

    def _speed(self, since: tuple[int, float]) -> dict[str, float]:
        step, moment_s = since
        steps_per_s = (self.state.step - step) / max(time.monotonic() - moment_s, 1e-9)
        epoch = self.batches.order.epoch(self.state.step)
        return {
            "speed/steps_per_s": steps_per_s,
            "schedule/learning_rate": self._rate() * self.state.rate_factor,
            "schedule/epoch": float(epoch),
        }

    def _validation_is_due(self, finished: bool, asked_to_stop: bool) -> bool:
        """Every so many steps and at the end, but not when somebody waits for the run to stop."""
        if not self._leads or not self.validators or not len(self.held_out) or asked_to_stop:
            return False
        return finished or self.state.step % self.settings.validate_every == 0

    def _validate(self) -> dict[str, float]:
        return run_validators(
            self.validators, self.state.synthesizer, list(self.held_out), self.state.step
        )

    def _tell(self, metrics: dict[str, float], sinks: Sequence[MetricSink]) -> None:
        if not metrics:
            return
        for sink in sinks:
            sink.write(self.state.step, metrics)
        for observer in self.observers:
            observer.on_step(self.state.step, metrics)

    @contextlib.contextmanager
    def _sinks(self) -> Iterator[tuple[MetricSink, ...]]:
        if not self._leads:
            yield ()
            return
        with (
            marked_as_running(self.run, self.settings.resolved_max_steps),
            open_sinks(self.run, self.settings, self.state.step) as sinks,
        ):
            yield sinks

    def _loader(self) -> DataLoader[Pieces]:
        """The batches from the state's step on; the number of a step is the index of its batch."""
        return DataLoader(
            self.batches,
            batch_size=None,
            sampler=range(self.state.step, self.settings.resolved_max_steps),
            num_workers=self.settings.num_workers,
            pin_memory=self.state.fabric.device.type == "cuda",
            worker_init_fn=_leave_signals_to_the_trainer,
        )


def _leave_signals_to_the_trainer(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; the workers end when the trainer does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
