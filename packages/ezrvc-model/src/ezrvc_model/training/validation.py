"""How the voice does on clips it was not trained on."""

from collections.abc import Mapping, Sequence

import torch

from ezrvc_features.spectrogram import mel_spectrogram, spectrogram_to_mel
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.losses.mel import mel_spec
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training.observers import Validator
from ezrvc_model.training.resynthesis import resynthesize


class MelValidator:
    """Mean absolute difference of log-mels between a clip and its resynthesis.

    Resynthesis takes the way of conversion: content, F0 and the clip's own speaker go in, the
    posterior encoder is not used. The same clips, pieces and noise are used every time.

    Args:
        model: of the generator.
        max_clip_frames: of a longer clip the first so many frames are taken.
    """

    def __init__(self, model: SynthesizerConfig, max_clip_frames: int) -> None:
        self._model = model
        self._max_clip_frames = max_clip_frames

    def validate(
        self, generator: Synthesizer, clips: Sequence[TrainingClip], step: int
    ) -> Mapping[str, float]:
        """`validation/mel`, natural log units."""
        distances = [self._distance(generator, clip) for clip in clips]
        return {"validation/mel": sum(distances) / len(distances)}

    def _distance(self, generator: Synthesizer, clip: TrainingClip) -> float:
        said = resynthesize(generator, clip, self._max_clip_frames)
        spectrogram = said.piece.features.spectrogram
        assert spectrogram is not None  # every piece is cut with its own
        spec = mel_spec(self._model)
        real = spectrogram_to_mel(spectrogram[None].float().cpu(), spec)
        imitated = mel_spectrogram(said.audio[None], spec, self._model.hop_length)
        return float((real - imitated).abs().mean())


def run_validators(
    validators: Sequence[Validator],
    generator: Synthesizer,
    clips: Sequence[TrainingClip],
    step: int,
) -> dict[str, float]:
    """What all validators say, with the generator in evaluation mode and gradients off."""
    generator.eval()
    try:
        with torch.no_grad():
            results = [validator.validate(generator, clips, step) for validator in validators]
    finally:
        generator.train()
    return {name: value for result in results for name, value in result.items()}


def spread_out(names: Sequence[str], how_many: int) -> list[str]:
    """At most so many of the names, spread evenly over the list."""
    if how_many == 0:
        return []
    return list(names[:: -(-len(names) // how_many) or 1])
