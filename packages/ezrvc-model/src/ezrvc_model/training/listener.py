"""The content encoder of a voice, listening to what the voice says while it is trained."""

import torch
from torchaudio.transforms import Resample

from ezrvc_features.config import FeatureConfig
from ezrvc_features.content.base import Hearing
from ezrvc_features.content.registry import load_encoder
from ezrvc_features.content.windows import SPEECH_RATE
from ezrvc_model.config import TrainConfig
from ezrvc_model.errors import ModelError


class Listener:
    """Hears batches of audio as a content encoder does, with gradients.

    Args:
        encoder: that hears.
        sample_rate: of the audio, Hz.
        device: where it is.
    """

    def __init__(self, encoder: Hearing, sample_rate: int, device: torch.device) -> None:
        self._encoder = encoder
        self._resample = Resample(sample_rate, SPEECH_RATE).to(device)

    def __call__(self, audio: torch.Tensor) -> list[torch.Tensor]:
        """What the encoder hears, layer by layer: see `Hearing`.

        Args:
            audio: (batch, 1, n_samples).
        """
        with torch.autocast(audio.device.type, enabled=False):  # it would round the sound
            speech = self._resample(audio[:, 0].float())
        return self._encoder.hear(speech)


def listener_for(
    settings: TrainConfig, features: FeatureConfig, sample_rate: int, device: torch.device
) -> Listener | None:
    """Who listens in a run; None where `train.content_weight` is 0.

    Raises:
        ModelError: the content encoder of the voice cannot be listened with.
        FeatureError: it cannot be loaded.
    """
    if settings.content_weight == 0:
        return None
    encoder = load_encoder(features.encoder, device=str(device), weights=features.encoder_weights)
    if not isinstance(encoder, Hearing):
        raise ModelError(
            f"train.content_weight needs a content encoder that hears made sound, {encoder.name} "
            "does not (soft-units does): set it to 0"
        )
    return Listener(encoder, sample_rate, device)
