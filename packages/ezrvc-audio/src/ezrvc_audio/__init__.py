"""Sound files in, clean single-speaker segments out; and finished mixes back.

What every caller needs is here. What needs scipy, and so a second to import, is in modules of its
own: `loudness`, `preparation` and `testing`; so are `crossfade`, `silence`, `slicing` and
`splitting`.
"""

from ezrvc_audio.crossfade import OverlapAdd
from ezrvc_audio.errors import AudioError
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip, read_manifest, write_manifest
from ezrvc_audio.reading import AudioInfo, probe, read, stream
from ezrvc_audio.resampling import StreamResampler, resample
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import AudioWriter, write

__all__ = [  # noqa: RUF022 -- grouped by what one does with them
    # sound in memory
    "AudioError",
    "Waveform",
    # files in
    "AudioInfo",
    "probe",
    "read",
    "stream",
    # files out
    "AudioWriter",
    "write",
    # streams
    "OverlapAdd",
    "StreamResampler",
    "resample",
    # experiments
    "Clip",
    "ExperimentFolder",
    "read_manifest",
    "write_manifest",
]
