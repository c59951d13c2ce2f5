"""From sound to features: one waveform at a time, or all clips of an experiment."""

from ezrvc_features.extraction.batch import (
    Engine,
    ExtractionReport,
    check_engine,
    extract_features,
)
from ezrvc_features.extraction.extractor import FeatureExtractor

__all__ = ["Engine", "ExtractionReport", "FeatureExtractor", "check_engine", "extract_features"]
