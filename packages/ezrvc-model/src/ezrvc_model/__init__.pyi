__all__ = [
    "ConversionReport",
    "ConversionSettings",
    "DecoderConfig",
    "FileReport",
    "ModelError",
    "SpeakerCurve",
    "SpeakerMix",
    "Synthesizer",
    "SynthesizerConfig",
    "TrainConfig",
    "TrainingObserver",
    "TrainingResult",
    "VoiceCard",
    "VoiceChoice",
    "VoiceConverter",
    "VoiceModel",
    "VoiceSummary",
    "find_voices",
    "load_preset",
    "preset_names",
    "read_speaker_curve",
    "resolve_voice",
    "train",
]

from .config import DecoderConfig as DecoderConfig
from .config import SynthesizerConfig as SynthesizerConfig
from .config import TrainConfig as TrainConfig
from .conversion.converter import VoiceConverter as VoiceConverter
from .conversion.report import ConversionReport as ConversionReport
from .conversion.report import FileReport as FileReport
from .conversion.settings import ConversionSettings as ConversionSettings
from .conversion.speaker_curve import SpeakerCurve as SpeakerCurve
from .conversion.speaker_curve import read_speaker_curve as read_speaker_curve
from .conversion.speaker_mix import SpeakerMix as SpeakerMix
from .errors import ModelError as ModelError
from .presets import load_preset as load_preset
from .presets import preset_names as preset_names
from .synthesizer.synthesizer import Synthesizer as Synthesizer
from .training.observers import TrainingObserver as TrainingObserver
from .training.result import TrainingResult as TrainingResult
from .training.train_voice import train as train
from .voice import VoiceModel as VoiceModel
from .voice_card import VoiceCard as VoiceCard
from .voice_folder import VoiceChoice as VoiceChoice
from .voice_folder import VoiceSummary as VoiceSummary
from .voice_folder import find_voices as find_voices
from .voice_folder import resolve_voice as resolve_voice
