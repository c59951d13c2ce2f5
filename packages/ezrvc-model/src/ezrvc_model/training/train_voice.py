"""Training a voice, from a prepared experiment to an exported voice."""

import functools
import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from lightning.fabric import Fabric

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.atomic import sweep_temporaries
from ezrvc_device.precision import precision_for
from ezrvc_device.progress import Progress, silent
from ezrvc_device.seeding import capture_random_state, restore_random_state
from ezrvc_features.config import FeatureConfig
from ezrvc_features.retrieval import RetrievalConfig
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.batches import TrainingBatches
from ezrvc_model.data.clip_places import ClipPlace, choose_place
from ezrvc_model.data.clip_set import OpenedClips, open_clips, read_file_list, read_speakers
from ezrvc_model.errors import ModelError
from ezrvc_model.retrieval_builder import RetrievalBuilder
from ezrvc_model.training.bases.fitting import start_from
from ezrvc_model.training.bases.report import BaseReport
from ezrvc_model.training.beginning import begin
from ezrvc_model.training.best import advice_to_stop, best_of, validations
from ezrvc_model.training.captured_step import recorder_for
from ezrvc_model.training.checkpoint import restore_networks
from ezrvc_model.training.checkpoint_folder import FoundCheckpoint, find_newest
from ezrvc_model.training.fabric import make_fabric, restore_scaler
from ezrvc_model.training.listener import listener_for
from ezrvc_model.training.observers import TrainingObserver, Validator
from ezrvc_model.training.processes import Agreement, find_launch, part_ways
from ezrvc_model.training.randomness import seed_step
from ezrvc_model.training.result import TrainingResult
from ezrvc_model.training.run_folder import RunFolder, check_unchanged, fixed_settings
from ezrvc_model.training.saving import Saver, VoiceExporter
from ezrvc_model.training.sinks import read_metrics
from ezrvc_model.training.state import TrainingState, begin_anew, new_state
from ezrvc_model.training.trainer import Trainer
from ezrvc_model.training.trial import fitting_batch_size
from ezrvc_model.training.validation import MelValidator, spread_out

_log = logging.getLogger(__name__)


def train(
    experiment: ExperimentFolder,
    run: Path,
    model: SynthesizerConfig,
    settings: TrainConfig,
    features: FeatureConfig,
    *,
    device: str | None = "auto",
    progress: Progress = silent,
    observers: Sequence[TrainingObserver] = (),
    validators: Sequence[Validator] = (),
    retrieval: RetrievalConfig | None = None,
) -> TrainingResult:
    """Train a voice, or go on training it from the newest whole checkpoint of the run.

    Killed at any moment and called again, it loses at most the steps since the last checkpoint;
    asked to stop (Ctrl-C, SIGTERM), it saves and returns. A resumed run gives the losses of an
    uninterrupted one. A new run starts from `settings.base`, unless told otherwise from the
    built-in voice if that fits; `TrainingResult.beginning` says which it was, `TrainingResult.base`
    and the run's `base.csv` what was taken of it and what was not.

    Args:
        experiment: prepared clips, features and speakers.
        run: folder of the run.
        model: the network; its speaker table grows to the speakers of experiment and base.
        settings: how to train.
        features: what the experiment's features were made with.
        device: see `ezrvc_device.accelerator.resolve_device`.
        progress: is told the clips checked and the step.
        observers: are told metrics and checkpoints.
        validators: judge the voice on held-out clips, beside the mel difference.
        retrieval: what is made for retrieval when the voice is exported; None: nothing.

    Raises:
        ModelError: no usable clip; another configuration than the run began with; no whole
            checkpoint among several; a base that is missing or does not fit; a loss that is not a
            number; files that cannot be written.
        AudioError: the manifest cannot be read.
        FeatureError: the content of a clip, for retrieval, is damaged.
        DeviceError: no such device, or it does not do the precision asked for.
    """
    retrieval = retrieval or RetrievalConfig()
    random_state = capture_random_state()
    matmul_precision = torch.get_float32_matmul_precision()
    try:
        folder = RunFolder(run)
        job = _Job(experiment, folder, model, settings, features, device, retrieval, progress)
        return job.run(observers, validators)
    except OSError as error:
        raise ModelError(
            f"{run}: training stopped, a file cannot be read or written ({error}); put that right "
            "and start again: it continues from the last checkpoint"
        ) from error
    finally:
        part_ways()
        restore_random_state(random_state)
        torch.set_float32_matmul_precision(matmul_precision)


class _Job:
    """One call of `train`: what it was asked, and what follows from that."""

    def __init__(
        self,
        experiment: ExperimentFolder,
        run: RunFolder,
        model: SynthesizerConfig,
        settings: TrainConfig,
        features: FeatureConfig,
        device: str | None,
        retrieval: RetrievalConfig,
        progress: Progress,
    ) -> None:
        self._began_s = time.monotonic()
        self._experiment = experiment
        self._folder = run
        self._features = features
        self._retrieval = retrieval
        self._device = resolve_device(device)
        self._fabric = self._launch(settings)
        self._progress = progress if self._fabric.is_global_zero else silent
        if self._fabric.is_global_zero:
            sweep_temporaries(run.root)
        with self._fabric.rank_zero_first():  # a damaged checkpoint is set aside once
            speakers = read_speakers(experiment)
            beginning = begin(run, model, settings, features, speakers, self._progress)
        self._beginning = beginning
        if self._fabric.is_global_zero:
            _log.info("%s: %s", run.root, beginning.account)
        self._model, self._settings = beginning.model, beginning.settings
        self._listener = listener_for(
            self._settings, features, self._model.sample_rate, self._device
        )
        self._fixed = fixed_settings(self._model, self._settings, features, beginning.speakers)
        self._exporter = VoiceExporter(
            run,
            self._model,
            features,
            beginning.speakers,
            self._settings.resolved_good_from_step,
            origin=beginning.origin,
            retrieval=RetrievalBuilder(
                experiment, retrieval, beginning.speakers, self._model.content_dim
            ),
            progress=self._progress,
        )

    def _launch(self, settings: TrainConfig) -> Fabric:
        """This process and those it trains with."""
        precision = precision_for(self._device, settings.precision)
        if precision.name != "fp32":
            torch.set_float32_matmul_precision("high")  # TF32 for what autocast leaves in fp32
        fabric = make_fabric(self._device, precision, find_launch(settings.processes))
        fabric.launch()
        self._device = fabric.device
        return fabric

    def run(
        self,
        observers: Sequence[TrainingObserver],
        validators: Sequence[Validator],
    ) -> TrainingResult:
        found = self._beginning.found
        if found.record is not None:
            check_unchanged(self._folder.root, found.record.fixed, self._fixed)
        if self._beginning.step >= self._settings.resolved_max_steps:
            return self._already_complete()
        clips, held_out = self._open()
        self._settle_batch_size(len(clips.clips))
        state = self._state()
        report = self._start_from_base(state)
        if found.record is not None and found.record.clips != self._fingerprint(clips):
            _log.warning(
                "%s: the clips or the batch size changed since step %d; their order begins anew",
                self._folder.root,
                state.step,
            )
        if self._fabric.is_global_zero:
            self._folder.save_config(self._model, self._settings, self._features, self._retrieval)
        first_step = state.step
        metrics, interrupted = Trainer(
            run=self._folder,
            model=self._model,
            settings=self._settings,
            state=state,
            batches=self._batches(clips),
            saver=self._saver(clips, observers),
            held_out=held_out.clips,
            validators=(MelValidator(self._model, self._settings.max_clip_frames), *validators),
            observers=observers,
            progress=self._progress,
            agreement=Agreement(self._fabric),
            restart=functools.partial(self._restart, state),
            record=recorder_for(self._fabric, self._settings),
            listener=self._listener,
        ).fit()
        return replace(
            self._result(state.step),
            steps_now=state.step - first_step,
            left_out=(*clips.left_out, *held_out.left_out),
            metrics=metrics,
            interrupted=interrupted,
            base=report,
        )

    def _already_complete(self) -> TrainingResult:
        """Nothing is left to train; the voice is exported if that was cut off."""
        step = self._beginning.step
        _log.info("%s: step %d is reached already", self._folder.root, step)
        if not self._fabric.is_global_zero:
            return self._result(step)
        if not self._exporter.is_exported(step):
            self._exporter.export(self._state().synthesizer, step)
        self._exporter.update_retrieval()
        return self._result(step)

    def _result(self, step: int) -> TrainingResult:
        found = self._beginning.found
        return TrainingResult(
            run=self._folder.root,
            voice=self._folder.voice,
            steps=step,
            steps_now=0,
            resumed_from=None if found.record is None else found.record.step,
            damaged_checkpoints=found.damaged,
            duration_s=time.monotonic() - self._began_s,
            beginning=self._beginning.account,
            advice=advice_to_stop(validations(read_metrics(self._folder.metrics))),
        )

    def _open(self) -> tuple[OpenedClips, OpenedClips]:
        """The clips to train on and those held out."""
        settings, experiment = self._settings, self._experiment
        names = read_file_list(experiment.train_list)
        clips = open_clips(
            experiment,
            names,
            self._model,
            self._beginning.speakers,
            min_frames=settings.segment_frames,
            place=self._place,
            progress=self._progress,
        )
        if not len(clips.clips):
            reasons = "; ".join(each.reason for each in clips.left_out[:1])
            raise ModelError(
                f"{experiment.root}: none of {len(names)} clips can be trained on"
                f"{f' ({reasons})' if reasons else ''}; run preprocess again"
            )
        held_out_names = read_file_list(experiment.validation_list)
        chosen = spread_out(held_out_names, settings.validation_clips)
        held_out = open_clips(
            experiment, chosen, self._model, self._beginning.speakers, progress=self._progress
        )
        return clips, held_out

    def _state(self) -> TrainingState:
        """Fresh networks, or those of the checkpoint."""
        found = self._beginning.found
        seed_step(self._settings.seed, 0)
        state = new_state(self._fabric, self._model, self._settings)
        self._restore(state, found)
        return state

    def _restore(self, state: TrainingState, found: FoundCheckpoint) -> None:
        if found.path is None or found.record is None:
            return
        restore_networks(found.path, state.networks)
        restore_scaler(self._fabric, found.record.scaler)
        state.step = found.record.step
        state.rate_factor = found.record.rate_factor

    def _restart(self, state: TrainingState) -> None:
        """Bring the state back to the newest checkpoint, or to where the run began."""
        with self._fabric.rank_zero_first():
            found = find_newest(self._folder.checkpoints)
        if found.path is None:
            seed_step(self._settings.seed, 0)
            begin_anew(state, self._model, self._settings)
            self._start_from_base(state)
        self._restore(state, found)

    def _settle_batch_size(self, n_clips: int) -> None:
        """Decide how many clips a step has, where that was left to be found."""
        if self._settings.batch_size != "auto":
            return
        n_processes = self._fabric.world_size
        share = max(1, n_clips // n_processes)
        fitting = fitting_batch_size(
            self._model, self._settings, self._device, share, self._listener
        )
        found: int = self._fabric.broadcast(fitting) * n_processes
        _log.info("%s: %d clips a step", self._folder.root, found)
        self._settings = self._settings.model_copy(update={"batch_size": found})

    def _start_from_base(self, state: TrainingState) -> BaseReport | None:
        """Give fresh networks what fits of the base, and write down what does."""
        base = self._beginning.base
        if base is None:
            return None
        report = start_from(
            base,
            state.synthesizer,
            state.opponent,
            speakers=self._beginning.speakers,
            encoder=self._features.encoder,
            new_speakers=self._settings.new_speakers,
        )
        report.save(self._folder.base_report)
        _log.info("%s: %s", self._folder.root, report.summary)
        return report

    def _batches(self, clips: OpenedClips) -> TrainingBatches:
        settings = self._settings
        return TrainingBatches(
            clips.clips,
            self._model.frames,
            self._model.n_fft,
            batch_size=settings.resolved_batch_size,
            max_clip_frames=max(settings.max_clip_frames, settings.segment_frames),
            seed=settings.seed,
            volume_augmentation=settings.volume_augmentation,
            pitch_augmentation_semitones=settings.pitch_augmentation_semitones,
            min_frames=settings.segment_frames,
            fixed_length=settings.fixed_length,
            rank=self._fabric.global_rank,
            n_processes=self._fabric.world_size,
        )

    def _place(self, n_bytes: int) -> ClipPlace:
        """Where the training clips lie; pitch augmentation and workers want them off the device."""
        settings = self._settings
        return choose_place(
            n_bytes,
            self._device,
            self._folder.root,
            n_sharing=find_launch(settings.processes).on_host,
            on_device=not settings.pitch_augmentation_semitones and not settings.num_workers,
        )

    def _saver(self, clips: OpenedClips, observers: Sequence[TrainingObserver]) -> Saver:
        exporter = replace(
            self._exporter,
            audio_minutes=round(clips.clips.duration_s / 60, 2),
            f0=clips.f0,
            encoder_version=clips.encoder_version,
        )
        fingerprint = self._fingerprint(clips)
        best = best_of(
            each
            for each in validations(read_metrics(self._folder.metrics))
            if each.step <= self._beginning.step
        )
        return Saver(
            self._folder, self._settings, self._fixed, fingerprint, exporter, observers, best
        )

    def _fingerprint(self, clips: OpenedClips) -> str:
        """Of what the data order follows from, beside the seed."""
        text = "\n".join((str(self._settings.resolved_batch_size), *clips.clips.names))
        return hashlib.sha256(text.encode()).hexdigest()
