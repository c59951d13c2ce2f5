__all__ = ["ConversionReport", "ConversionSettings", "FileReport", "VoiceConverter"]

from .converter import VoiceConverter as VoiceConverter
from .report import ConversionReport as ConversionReport
from .report import FileReport as FileReport
from .settings import ConversionSettings as ConversionSettings
