"""What a run would do, found out without beginning it."""

from dataclasses import dataclass
from pathlib import Path

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.memory import memory_status
from ezrvc_device.precision import precision_for
from ezrvc_device.progress import Progress, silent
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.data.clip_set import read_file_list, read_speakers
from ezrvc_model.errors import ModelError
from ezrvc_model.training.bases.fitting import start_from
from ezrvc_model.training.bases.report import BaseReport
from ezrvc_model.training.beginning import Beginning, begin
from ezrvc_model.training.listener import listener_for
from ezrvc_model.training.run_folder import RunFolder, check_unchanged, fixed_settings
from ezrvc_model.training.state import fresh_networks
from ezrvc_model.training.trial import Trial, fitting_batch_size, try_steps


@dataclass(frozen=True)
class TrainingPlan:
    """What a run would do.

    Attributes:
        run: its folder.
        device: where it would train.
        precision: in which.
        n_clips: to train on, by the file list.
        audio_minutes: of these.
        speakers: name to row of the speaker table.
        first_step: finished steps.
        max_steps: where it would end.
        trial: what a few steps on clips of the greatest length showed.
        memory_free: bytes free on the device.
        beginning: where it would begin and why, for people.
        base: what would be taken of a base; None: there is none, or the run has begun.
    """

    run: Path
    device: str
    precision: str
    n_clips: int
    audio_minutes: float
    speakers: dict[str, int]
    first_step: int
    max_steps: int
    trial: Trial
    memory_free: int
    beginning: str
    base: BaseReport | None = None

    @property
    def duration_s(self) -> float:
        """Seconds to the end at the speed of the trial.

        Real clips are shorter and go faster, and so do recorded and compiled steps
        (`train.cuda_graphs`, `train.compile`).
        """
        return max(0, self.max_steps - self.first_step) * self.trial.s_per_step


def plan_training(
    experiment: ExperimentFolder,
    run: Path,
    model: SynthesizerConfig,
    settings: TrainConfig,
    features: FeatureConfig,
    *,
    device: str | None = "auto",
    progress: Progress = silent,
) -> TrainingPlan:
    """Find out what `train` would do with the same arguments; nothing is written.

    Raises:
        ModelError: as `train` would, or a step does not fit into the device's memory.
        AudioError: the manifest cannot be read.
        DeviceError: no such device, or it does not do the precision asked for.
        WeightsError: the base cannot be fetched.
    """
    place = resolve_device(device)
    folder = RunFolder(run)
    beginning = begin(folder, model, settings, features, read_speakers(experiment), progress)
    if beginning.found.record is not None:
        asked = fixed_settings(beginning.model, beginning.settings, features, beginning.speakers)
        check_unchanged(run, beginning.found.record.fixed, asked)
    names = set(read_file_list(experiment.train_list))
    clips = [clip for clip in read_manifest(experiment.manifest) if clip.path in names]
    model, settings = beginning.model, beginning.settings
    listener = listener_for(settings, features, model.sample_rate, place)
    if settings.batch_size == "auto":
        found = fitting_batch_size(model, settings, place, len(clips), listener)
        settings = settings.model_copy(update={"batch_size": found})
    trial = try_steps(model, settings, place, listener=listener)
    if trial is None:
        raise ModelError(
            f"{settings.batch_size} clips of {settings.max_clip_frames} frames do not fit into the "
            f"memory of {place}; set train.batch_size=auto, or a smaller train.max_clip_frames"
        )
    return TrainingPlan(
        run=run,
        device=str(place),
        precision=precision_for(place, settings.precision).name,
        n_clips=len(clips),
        audio_minutes=sum(clip.duration_s for clip in clips) / 60,
        speakers=beginning.speakers,
        first_step=beginning.step,
        max_steps=settings.resolved_max_steps,
        trial=trial,
        memory_free=memory_status(place).free,
        beginning=beginning.account,
        base=_report(beginning, features),
    )


def _report(beginning: Beginning, features: FeatureConfig) -> BaseReport | None:
    if beginning.base is None:
        return None
    generator, discriminator = fresh_networks(beginning.model, beginning.settings)
    return start_from(
        beginning.base,
        generator,
        discriminator,
        speakers=beginning.speakers,
        encoder=features.encoder,
        new_speakers=beginning.settings.new_speakers,
    )
