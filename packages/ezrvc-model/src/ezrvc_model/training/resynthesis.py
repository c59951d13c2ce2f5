"""A clip said again by the network, the way conversion goes."""

from dataclasses import dataclass

import torch

from ezrvc_model.data.clip import TrainingClip, crop
from ezrvc_model.noise import TorchNoise
from ezrvc_model.synthesizer.synthesizer import Synthesizer


@dataclass(frozen=True, eq=False)
class Resynthesis:
    """A piece of a clip and what the network made of it.

    Attributes:
        piece: the beginning of the clip, with its spectrogram.
        audio: what the network made, float32, (n_samples,), on the CPU; as long as the piece.
    """

    piece: TrainingClip
    audio: torch.Tensor


def resynthesize(generator: Synthesizer, clip: TrainingClip, max_clip_frames: int) -> Resynthesis:
    """Let a network say a clip again: content, F0 and the clip's own speaker go in.

    The posterior encoder is not used, and the noise is the same every time.

    Args:
        generator: in evaluation mode, on its device.
        clip: on the CPU.
        max_clip_frames: of a longer clip the first so many frames are taken.
    """
    model = generator.config
    piece = crop(clip, 0, max_clip_frames, model.frames, model.n_fft)
    features = piece.features
    device = next(generator.parameters()).device
    made = generator.infer(
        features.content[None].float().to(device),
        features.f0[None].to(device),
        features.voiced[None].to(device),
        torch.tensor([piece.speaker_id], device=device),
        features.volume[None].to(device) if model.volume_embedding else None,
        noise=TorchNoise.seeded(0),
    )
    return Resynthesis(piece, made[0, 0].float().cpu())
