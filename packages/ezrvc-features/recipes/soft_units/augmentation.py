"""Other throats, rooms, microphones and noise, made of mel bands."""

import math

import librosa
import torch

from ezrvc_features.content.soft_units_network import scale_power

_HIGHEST_HZ = 8000.0


def augment(power: torch.Tensor, generator: torch.Generator, *, holes: bool = True) -> torch.Tensor:
    """A random version of each item, as the network hears it.

    Args:
        power: mel power, (batch, n_mels, n_columns).
        generator: of the draws, on the CPU.
        holes: whether short stretches are silenced.

    Returns:
        Log-mel bands on the network's scale, of the same shape.
    """
    batch, n_mels, _ = power.shape

    def draw(low: float, high: float, *shape: int) -> torch.Tensor:
        values = torch.rand((batch, *shape), generator=generator) * (high - low) + low
        return values.to(power.device)

    power = warp_formants(power, draw(-0.25, 0.25).exp())
    power = _reverberate(power, draw(0.0, 1.0), draw(0.02, 0.12))
    power = power * 10 ** ((draw(-25, 8, 1, 1) + _equalizer(draw(-1, 1, 6), n_mels)) / 10)
    power = power + _noise(power, draw(5, 50), draw(0, 1), generator)
    heard = scale_power(_narrow(power, draw(0, 1), draw(0.55, 1.0)))
    return _mask_time(heard, generator) if holes else heard


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


def _equalizer(draws: torch.Tensor, n_mels: int) -> torch.Tensor:
    """A smooth curve over the bands, some 6 dB up and down, (batch, n_mels, 1)."""
    order = torch.arange(draws.shape[1], device=draws.device) + 1
    band = torch.arange(n_mels, device=draws.device) / n_mels
    waves = torch.cos(math.pi * order[:, None] * band)
    return (draws * 8 / order.sqrt() @ waves)[..., None]


def _reverberate(
    power: torch.Tensor, choice: torch.Tensor, decay: torch.Tensor, n_columns: int = 24
) -> torch.Tensor:
    """Let sound linger in a third of the items: its power falls exponentially after it."""
    time = torch.arange(n_columns, device=power.device)
    tail = torch.exp(-time * decay[:, None] * 2) * 0.15
    tail = torch.where(choice[:, None] < 1 / 3, tail, torch.zeros_like(tail))
    tail[:, 0] = 1.0
    padded = torch.nn.functional.pad(power, (n_columns - 1, 0))
    batch, n_mels, width = padded.shape
    smeared = torch.nn.functional.conv1d(
        padded.transpose(0, 1), tail.flip(1)[:, None], groups=batch
    )
    return smeared.transpose(0, 1).reshape(batch, n_mels, width - n_columns + 1)


def _noise(
    power: torch.Tensor, snr_db: torch.Tensor, tilt: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Noise between white and pink, its power fluctuating as that of noise does."""
    n_mels = power.shape[1]
    band = torch.arange(n_mels, device=power.device) / n_mels
    colour = 10 ** (-2.0 * tilt[:, None] * band)
    level = power.mean(dim=(1, 2)) / 10 ** (snr_db / 10)
    even = torch.rand(power.shape, generator=generator).to(power.device)
    fluctuation = even.clamp(min=1e-4).log().neg()
    shape = (colour / colour.mean(dim=1, keepdim=True))[..., None]
    return level[:, None, None] * shape * fluctuation


def _narrow(power: torch.Tensor, choice: torch.Tensor, edge: torch.Tensor) -> torch.Tensor:
    """Take the upper bands from a fifth of the items."""
    band = torch.arange(power.shape[1], device=power.device) / power.shape[1]
    kept = (band[None, :] < edge[:, None]) | (choice[:, None] > 0.2)
    return power * kept[..., None]


def _mask_time(mel: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Silence two stretches of up to 80 ms in each item."""
    batch, _, n_columns = mel.shape
    column = torch.arange(n_columns)
    masked = torch.zeros(batch, n_columns, dtype=torch.bool)
    for _ in range(2):
        start = torch.randint(0, n_columns, (batch, 1), generator=generator)
        length = torch.randint(0, 9, (batch, 1), generator=generator)
        masked |= (column >= start) & (column < start + length)
    return mel.masked_fill(masked[:, None].to(mel.device), float(mel.min()))
