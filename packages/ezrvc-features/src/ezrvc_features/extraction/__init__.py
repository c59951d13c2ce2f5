"""From sound to features: one waveform at a time, or all clips of an experiment."""

from ezrvc_features.extraction.batch import ExtractionReport, extract_features
from ezrvc_features.extraction.extractor import FeatureExtractor

__all__ = ["ExtractionReport", "FeatureExtractor", "extract_features"]
