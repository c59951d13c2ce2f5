"""Metrics for a trainer: how good is what the network makes now?

The trainer knows nothing of this package: the application wraps `SoundJudge` in the validator that
the trainer asks for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress, silent
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.items import Take
from ezrvc_eval.metrics.registry import Meter
from ezrvc_eval.scoring import Scorer

DEFAULT_METRICS = ("speaker_similarity", "dnsmos_overall", "f0_correlation", "f0_rmse", "mcd")
"""What is measured during training unless told otherwise: nothing that must be fetched."""


@dataclass(frozen=True, eq=False)
class MadeSound:
    """A clip and what the network made of it.

    Attributes:
        name: of the clip.
        reference: the clip as it was recorded, mono.
        made: the network's version of it, mono.
    """

    name: str
    reference: Waveform
    made: Waveform


class SoundJudge:
    """Pools metrics over the clips of a validation; models are loaded once.

    Args:
        config: what to measure; no metrics named: `DEFAULT_METRICS`.
        device: what torch networks run on.
        progress: told how far downloads are.
        meters: by family, to use in place of those that the configuration asks for.

    Attributes:
        missing: family to line, of those whose weights are not here.

    Raises:
        EvalError: the configuration names no metric, or asks for what is not there.
    """

    def __init__(
        self,
        config: EvaluationConfig | None = None,
        *,
        device: str = "auto",
        progress: Progress = silent,
        meters: Mapping[str, Meter] | None = None,
    ) -> None:
        chosen = config or EvaluationConfig()
        if not chosen.metrics:
            chosen = chosen.model_copy(update={"metrics": DEFAULT_METRICS})
        self._scorer = Scorer(chosen, device=device, progress=progress, meters=meters)
        self.missing = self._scorer.missing

    def judge(self, sounds: Iterable[MadeSound]) -> dict[str, float]:
        """The metrics over all sounds, by name; those that none of them has are left out."""
        takes = (
            Take(name=sound.name, converted=sound.made, reference=sound.reference)
            for sound in sounds
        )
        return {name: each.value for name, each in self._scorer.summarise(takes).items()}
