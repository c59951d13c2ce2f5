"""Who speaks in each frame, as the network wants to be told."""

from typing import TypeAlias

import numpy as np
import torch

from ezrvc_features.frames import FrameSpec
from ezrvc_model.conversion.speaker_curve import SpeakerCurve
from ezrvc_model.conversion.speaker_mix import SpeakerMix
from ezrvc_model.errors import ModelError
from ezrvc_model.voice import VoiceModel

Speaker: TypeAlias = str | SpeakerMix | SpeakerCurve
"""Who is to speak: one speaker by name, a mix in fixed shares, or shares that change with time."""


def chosen_speaker(voice: VoiceModel, speaker: Speaker | None) -> Speaker:
    """Who is to speak, known to the voice; None: its default speaker.

    A mix or curve that names one speaker is that speaker.

    Raises:
        ModelError: the voice has no such speaker, or one only while several are to be mixed.
    """
    if speaker is None:
        return voice.speaker_by_default
    if isinstance(speaker, str):
        voice.speaker_row(speaker)
        return speaker
    if len(voice.speakers) == 1 and len(speaker.speakers) > 1:
        raise ModelError(
            f"{voice.card.name}: this voice has one speaker, {voice.speaker_by_default!r}: "
            "there is nobody to mix; leave the mix out"
        )
    for name in speaker.speakers:
        voice.speaker_row(name)
    names = speaker.shares if isinstance(speaker, SpeakerMix) else speaker.points
    return next(iter(names)) if len(names) == 1 else speaker


class SpeakerTrack:
    """What the network is given as speaker, for any stretch of frames.

    A frame's shares follow from its place in the recording alone, so that any stretch agrees with
    any other.

    Args:
        voice: knows the speakers.
        speaker: as `chosen_speaker` gives it.
        device: where the network lies.
    """

    def __init__(self, voice: VoiceModel, speaker: Speaker, device: torch.device) -> None:
        self._frames: FrameSpec = voice.config.frames
        self._device = device
        self._curve = speaker if isinstance(speaker, SpeakerCurve) else None
        if isinstance(speaker, str):
            self._fixed = torch.tensor([voice.speaker_row(speaker)], device=device)
            return
        self._rows = [voice.speaker_row(name) for name in speaker.speakers]
        self._n_rows = voice.config.n_speakers
        if isinstance(speaker, SpeakerMix):
            shares = [speaker.shares.get(name, 0.0) for name in speaker.speakers]
            self._fixed = self._over_table(np.array([shares]).T)[..., 0]

    def between(self, start: int, end: int) -> torch.Tensor:
        """The speaker of the frames from `start` up to `end`.

        Returns:
            A row of the speaker table, (1,); or shares of all rows, (1, n_rows); or shares by
            frame, (1, n_rows, n_frames): what `SpeakerEmbedding` takes.
        """
        if self._curve is None:
            return self._fixed
        times_s = np.arange(start, end) / self._frames.frame_rate_hz
        return self._over_table(self._curve.shares_at(times_s))

    def _over_table(self, shares: np.ndarray) -> torch.Tensor:
        """Shares (n_named, n_frames) spread over the speaker table, (1, n_rows, n_frames)."""
        table = np.zeros((1, self._n_rows, shares.shape[1]), dtype=np.float32)
        table[0, self._rows] = shares
        return torch.from_numpy(table).to(self._device)
