"""What a sound file says of itself."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AudioInfo:
    """Facts of a sound file, known without decoding it.

    Attributes:
        path: the file.
        container: how the sound is wrapped, as libsndfile or FFmpeg names it ("wav", "mp3",
            "mov,mp4,m4a,3gp,3g2,mj2").
        codec: how it is coded ("pcm_16", "aac").
        sample_rate: samples a second, Hz.
        n_channels: how many channels.
        n_samples: samples in each channel as the header tells; exact for uncompressed sound,
            FLAC, Ogg and MP4, otherwise right to about one codec frame, and an estimate for
            streams without a header (raw AAC, MP3 without an index).
        has_video: whether a picture that moves goes with the sound.
    """

    path: Path
    container: str
    codec: str
    sample_rate: int
    n_channels: int
    n_samples: int
    has_video: bool = False

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate
