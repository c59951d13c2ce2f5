"""Clips at another pitch, as a tape that runs faster or slower plays them."""

import math
from dataclasses import replace

import torch

from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_features.frames import FrameSpec
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.data.clip import TrainingClip

_RATE = 48_000
"""Nominal rate of the sound before; only its ratio to the rate after matters."""


def shift_pitch(clip: TrainingClip, semitones: float, frames: FrameSpec) -> TrainingClip:
    """A clip, played so much faster that it sounds `semitones` higher.

    Audio is resampled, so everything taken from it (spectrogram, mel, the discriminators' view)
    agrees; F0 is multiplied; content, voicing and volume are those of the frame that is heard
    then. Pitch, formants and tempo move together, which is why the range should stay small: the
    voice turns a little into that of a smaller or larger speaker. Where a network is to see
    another key with the tempo unchanged (the key-shifted mel of DiffSinger), sound and mel no
    longer belong together, and a model that is judged by its sound cannot learn from that.

    Args:
        clip: without spectrogram, or its spectrogram is dropped.
        semitones: upwards.
        frames: the clip's grid.

    Returns:
        The clip, 2^(semitones / 12) times shorter.
    """
    new_rate = max(round(_RATE / 2 ** (semitones / 12)), 1)
    faster = _RATE / new_rate
    sound = resample(Waveform(clip.audio.numpy()[None], _RATE), new_rate).samples[0]
    n_frames = frames.n_frames(sound.shape[0])
    heard = ((torch.arange(n_frames) + 0.5) * faster).long().clamp(max=clip.n_frames - 1)
    whole = clip.features
    features = UtteranceFeatures(
        content=whole.content[:, heard],
        f0=whole.f0[heard] * faster,
        voiced=whole.voiced[heard],
        volume=whole.volume[heard],
    )
    audio = torch.from_numpy(sound[: frames.n_samples(n_frames)])
    reach_hz = clip.bandwidth_hz * faster if math.isfinite(clip.bandwidth_hz) else math.inf
    return replace(clip, features=features, audio=audio, bandwidth_hz=reach_hz)
