"""The loop: batch after batch, with logging, validation and saving where they are due."""

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch.utils.data import DataLoader

from ezrvc_device.progress import Progress
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batch import Batch
from ezrvc_model.data.batches import TrainingBatches
from ezrvc_model.data.clip_set import ClipSet
from ezrvc_model.noise import TorchNoise
from ezrvc_model.training.interruption import StopRequest
from ezrvc_model.training.metrics import MetricWindow
from ezrvc_model.training.observers import TrainingObserver, Validator
from ezrvc_model.training.randomness import seed_step, step_generator
from ezrvc_model.training.run_folder import RunFolder
from ezrvc_model.training.saving import Saver
from ezrvc_model.training.schedule import learning_rate
from ezrvc_model.training.sinks import JsonLinesSink, MetricSink, TensorBoardSink
from ezrvc_model.training.state import TrainingState
from ezrvc_model.training.steps import training_step
from ezrvc_model.training.validation import run_validators


@dataclass(kw_only=True, eq=False)
class Trainer:
    """Trains from the step the state is at to `max_steps`.

    Attributes:
        run: where the metrics go.
        model: of the generator.
        settings: how to train.
        state: what learns.
        batches: the batch of each step.
        saver: of checkpoints and voice.
        held_out: clips for validation.
        validators: that judge on them.
        observers: who is told.
        progress: is told the step.
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

    def fit(self) -> tuple[dict[str, float], bool]:
        """Train until `max_steps` or until asked to stop; saved at the end in both cases.

        Returns:
            The last of each metric, and whether it was asked to stop before the end.

        Raises:
            ModelError: a loss is not a number, or the run cannot be saved.
            OSError: metrics cannot be written, or a clip cannot be read any more.
        """
        state, last = self.state, self.settings.max_steps
        window = MetricWindow()
        metrics: dict[str, float] = {}
        logged_at = (state.step, time.monotonic())
        with StopRequest() as stop, self._sinks() as sinks:
            for batch in self._loader():
                self._train_on(batch, window)
                finished = state.step == last or stop.requested
                self.progress("training", state.step, last)
                found: dict[str, float] = {}
                if finished or state.step % self.settings.log_every == 0:
                    found = window.mean() | self._speed(logged_at)
                    logged_at = (state.step, time.monotonic())
                if self._validation_is_due(finished, stop.requested):
                    found |= self._validate()
                self._tell(found, sinks)
                metrics |= found
                if self.saver.is_due(state.step, found) or finished:
                    window.settle()  # nothing is saved that is not a number
                    self.saver.save(state, self.batches.order.epoch(state.step))
                if finished:
                    break
            return metrics, stop.requested and state.step < last

    def _train_on(self, batch: Batch, window: MetricWindow) -> None:
        state, settings = self.state, self.settings
        device = state.fabric.device
        epoch = self.batches.order.epoch(state.step)
        state.set_learning_rate(learning_rate(settings, epoch))
        seed_step(settings.seed, state.step, state.fabric.global_rank)
        noise = TorchNoise(step_generator(settings.seed, state.step, device))
        metrics = training_step(state, batch.to(device), self.model, settings, noise)
        state.step += 1
        window.add(state.step, metrics)

    def _speed(self, since: tuple[int, float]) -> dict[str, float]:
        step, moment_s = since
        steps_per_s = (self.state.step - step) / max(time.monotonic() - moment_s, 1e-9)
        epoch = self.batches.order.epoch(self.state.step)
        return {
            "speed/steps_per_s": steps_per_s,
            "schedule/learning_rate": learning_rate(self.settings, epoch),
            "schedule/epoch": float(epoch),
        }

    def _validation_is_due(self, finished: bool, asked_to_stop: bool) -> bool:
        """Every so many steps and at the end, but not when somebody waits for the run to stop."""
        if not self.validators or not len(self.held_out) or asked_to_stop:
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
        after = self.state.step
        sinks = (
            JsonLinesSink(self.run.metrics, after),
            TensorBoardSink(self.run.tensorboard, after),
        )
        with contextlib.ExitStack() as stack:
            for sink in sinks:
                stack.callback(sink.close)
            yield sinks

    def _loader(self) -> DataLoader[Batch]:
        """The batches from the state's step on; the number of a step is the index of its batch."""
        return DataLoader(
            self.batches,
            batch_size=None,
            sampler=range(self.state.step, self.settings.max_steps),
            num_workers=self.settings.num_workers,
            pin_memory=self.state.fabric.device.type == "cuda",
            worker_init_fn=_leave_signals_to_the_trainer,
        )


def _leave_signals_to_the_trainer(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; the workers end when the trainer does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
