"""How the voice does on clips it was not trained on."""

from collections.abc import Mapping, Sequence

import torch

from ezrvc_features.spectrogram import mel_spectrogram, spectrogram_to_mel
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.data.clip import TrainingClip, crop
from ezrvc_model.losses.mel import mel_spec
from ezrvc_model.noise import TorchNoise
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training.observers import Validator


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
        model, frames = self._model, self._model.frames
        piece = crop(clip, 0, self._max_clip_frames, frames, model.n_fft)
        features = piece.features
        assert features.spectrogram is not None  # crop computes it
        device = next(generator.parameters()).device
        made = generator.infer(
            features.content[None].to(device),
            features.f0[None].to(device),
            features.voiced[None].to(device),
            torch.tensor([piece.speaker_id], device=device),
            features.volume[None].to(device) if model.volume_embedding else None,
            noise=TorchNoise.seeded(0),
        )
        real = spectrogram_to_mel(features.spectrogram[None], mel_spec(model))
        imitated = mel_spectrogram(made[:, 0].cpu(), mel_spec(model), model.hop_length)
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
