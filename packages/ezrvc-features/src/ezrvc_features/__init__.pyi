"""The public names, for type checkers and for the lazy loader alike."""

from .alignment import FeatureAligner
from .config import F0Config, FeatureConfig
from .content.base import ContentEncoder
from .content.batching import BatchEncoder, encode_batch
from .content.entry import EncoderEntry
from .content.registry import (
    encoder_dim,
    encoder_entry,
    encoder_version,
    list_encoders,
    load_encoder,
)
from .errors import FeatureError
from .extraction.batch import ExtractionReport, extract_features
from .extraction.extractor import FeatureExtractor
from .f0.base import F0Curve, F0Estimator
from .f0.correction import F0Correction
from .f0.registry import configured_f0_estimator, list_f0_estimators, load_f0_estimator
from .frames import FrameSpec
from .speaker.encoder import SpeakerEncoder, load_speaker_encoder
from .spectrogram import MelSpec, linear_spectrogram, mel_spectrogram
from .store.feature_store import FeatureStore
from .utterance import UtteranceFeatures
from .volume import frame_volume

__all__ = [
    "BatchEncoder",
    "ContentEncoder",
    "EncoderEntry",
    "ExtractionReport",
    "F0Config",
    "F0Correction",
    "F0Curve",
    "F0Estimator",
    "FeatureAligner",
    "FeatureConfig",
    "FeatureError",
    "FeatureExtractor",
    "FeatureStore",
    "FrameSpec",
    "MelSpec",
    "SpeakerEncoder",
    "UtteranceFeatures",
    "configured_f0_estimator",
    "encode_batch",
    "encoder_dim",
    "encoder_entry",
    "encoder_version",
    "extract_features",
    "frame_volume",
    "linear_spectrogram",
    "list_encoders",
    "list_f0_estimators",
    "load_encoder",
    "load_f0_estimator",
    "load_speaker_encoder",
    "mel_spectrogram",
]
