"""Validation that a person can hear and see: held-out clips as the voice says them."""

import logging
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_device.atomic import write_bytes
from ezrvc_eval import EvaluationConfig, MadeSound, SoundJudge, find_metric
from ezrvc_eval.report.pictures import case_picture
from ezrvc_features.config import F0Config
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training import resynthesize

_log = logging.getLogger(__name__)
PITCH_METRICS = ("f0_rmse", "f0_correlation")
"""What is measured beside the mel difference unless told otherwise; no weights are fetched."""
MOST_KEPT = 4
"""Clips whose sound and picture are kept, of each validation."""


class ListeningValidator:
    """Lets the voice say held-out clips again, keeps sound and pictures, and measures them.

    In `folder`, `step-00000800/` holds `<clip>.flac`, what the voice made, and `<clip>.png`, mel
    spectrograms of clip and result, their difference, and both pitch curves. `recorded/` holds the
    clips themselves.

    Args:
        folder: for sound and pictures.
        max_clip_frames: of longer clips the first so many frames are taken.
        f0: how pitch is found.
        measure: names of metrics of ezrvc-eval.
        device: what the networks that measure run on.

    Raises:
        EvalError: there is no such metric.
    """

    def __init__(
        self,
        folder: Path,
        max_clip_frames: int,
        f0: F0Config,
        *,
        measure: Sequence[str] = PITCH_METRICS,
        device: str = "cpu",
    ) -> None:
        for name in measure:
            find_metric(name)
        self._folder = folder
        self._max_clip_frames = max_clip_frames
        self._config = EvaluationConfig(metrics=tuple(measure), f0_method=f0.method)
        self._device = device

    def validate(
        self, generator: Synthesizer, clips: Sequence[TrainingClip], step: int
    ) -> Mapping[str, float]:
        """`validation/<metric>` over all clips: `validation/f0_rmse` is in cents."""
        sounds = [self._sound(generator, clip) for clip in clips]
        for sound in sounds[:MOST_KEPT]:
            self._keep(sound, step)
        found = self._judge.judge(sounds)
        return {
            f"validation/{name}": value for name, value in found.items() if math.isfinite(value)
        }

    @cached_property
    def _judge(self) -> SoundJudge:
        """Its networks are loaded when they are first needed, and kept."""
        judge = SoundJudge(self._config, device=self._device)
        for line in judge.missing.values():
            _log.warning("not measured: %s", line)
        return judge

    @cached_property
    def _estimator(self) -> F0Estimator:
        return load_f0_estimator(self._config.f0_method)

    def _sound(self, generator: Synthesizer, clip: TrainingClip) -> MadeSound:
        said = resynthesize(generator, clip, self._max_clip_frames)
        rate = generator.config.sample_rate
        name = "-".join(Path(clip.name).with_suffix("").parts[-2:])
        recorded = Waveform(said.piece.audio.cpu().numpy()[None], rate)
        return MadeSound(name, recorded, Waveform(said.audio.numpy()[None], rate))

    def _keep(self, sound: MadeSound, step: int) -> None:
        recorded = self._folder / "recorded" / f"{sound.name}.flac"
        if not recorded.exists():
            write(recorded, sound.reference)
        folder = self._folder / f"step-{step:08d}"
        write(folder / f"{sound.name}.flac", sound.made)
        picture = case_picture(sound.reference, sound.made, self._estimator)
        write_bytes(folder / f"{sound.name}.png", picture)
