"""Log-mel bands as content: plumbing for tests and demos, not a voice converter.

This encoder has no weights, and therefore nothing has taught it to leave the speaker out: its
vectors carry the speaker's timbre and pitch along with the words. Normalising each band over the
utterance removes only the average colour of the voice. A model trained on it learns to copy what
it hears. It lets the whole pipeline run without any download; use a trained encoder to convert.
"""

import torch

from ezrvc_features.content.speech_encoder import SpeechEncoder
from ezrvc_features.content.windows import SPEECH_HOP, SPEECH_RATE, WindowPlan
from ezrvc_features.spectrogram import MelSpec, mel_spectrogram

MEL = MelSpec(sample_rate=SPEECH_RATE, n_fft=1024, n_mels=80, fmin_hz=0.0, fmax_hz=8000.0)
"""The bands, taken every 20 ms."""
_SMALLEST_DEVIATION = 0.1
"""Bands that vary less (digital silence) are not blown up, natural log units."""


class MelEncoder(SpeechEncoder):
    """80 log-mel bands at 50 frames a second, each normalised over the utterance."""

    layout = "mel-1"

    def __init__(self, *, name: str = "mel", device: torch.device) -> None:
        super().__init__(
            name=name, version=self.layout, dim=MEL.n_mels, device=device, plan=WindowPlan(1000)
        )

    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        return mel_spectrogram(samples, MEL, SPEECH_HOP)

    def _finish(self, content: torch.Tensor) -> torch.Tensor:
        deviation, mean = torch.std_mean(content, dim=-1, keepdim=True, correction=0)
        return (content - mean) / deviation.clamp(min=_SMALLEST_DEVIATION)
