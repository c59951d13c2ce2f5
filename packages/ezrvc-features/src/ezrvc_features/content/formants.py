"""A voice heard as if its vocal tract were shorter or longer."""

import librosa
import torch

from ezrvc_features.content.windows import SPEECH_RATE

_HIGHEST_HZ = SPEECH_RATE / 2


def warp_formants(power: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Stretch the frequency axis of each item, as a shorter or longer vocal tract does.

    Args:
        power: (batch, n_mels, n_columns).
        factor: by which every frequency is multiplied, (batch,).
    """
    n_mels = power.shape[1]
    edges_hz = librosa.mel_frequencies(n_mels=n_mels + 2, fmax=_HIGHEST_HZ)
    source_hz = edges_hz[1:-1] / factor.cpu().numpy()[:, None]
    place = librosa.hz_to_mel(source_hz) / librosa.hz_to_mel(_HIGHEST_HZ) * (n_mels + 1) - 1
    source = torch.from_numpy(place).to(power)
    source = source.clamp(0, n_mels - 1)  # (batch, n_mels), places on the old axis
    below = source.floor().long().clamp(max=n_mels - 2)
    part = (source - below)[..., None]
    width = power.shape[2]
    low = power.gather(1, below[..., None].expand(-1, -1, width))
    high = power.gather(1, (below + 1)[..., None].expand(-1, -1, width))
    return low * (1 - part) + high * part
