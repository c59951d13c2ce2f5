__all__ = [
    "ConversionReport",
    "ConversionSettings",
    "FileReport",
    "SpeakerCurve",
    "SpeakerMix",
    "VoiceConverter",
    "read_speaker_curve",
]

from .converter import VoiceConverter as VoiceConverter
from .report import ConversionReport as ConversionReport
from .report import FileReport as FileReport
from .settings import ConversionSettings as ConversionSettings
from .speaker_curve import SpeakerCurve as SpeakerCurve
from .speaker_curve import read_speaker_curve as read_speaker_curve
from .speaker_mix import SpeakerMix as SpeakerMix
