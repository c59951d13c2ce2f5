"""Sound files out: whole or not at all."""

from pathlib import Path

import soundfile

from ezrvc_audio.waveform import Waveform
from ezrvc_device.atomic import atomic_file


def write(path: Path, waveform: Waveform) -> None:
    """Write a 16-bit WAV file."""
    with atomic_file(path) as temporary:
        soundfile.write(
            temporary, waveform.samples.T, waveform.sample_rate, subtype="PCM_16", format="WAV"
        )
