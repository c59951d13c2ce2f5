"""Raw recordings become an experiment: clips, manifest, file lists, speaker map."""

from ezrvc_audio.config import PreparationConfig
from ezrvc_audio.preparation.ledger import SourceRecord, read_ledger
from ezrvc_audio.preparation.pipeline import prepare_recordings
from ezrvc_audio.preparation.report import PreparationReport, SkippedSource
from ezrvc_audio.preparation.turns import TurnSource

__all__ = [
    "PreparationConfig",
    "PreparationReport",
    "SkippedSource",
    "SourceRecord",
    "TurnSource",
    "prepare_recordings",
    "read_ledger",
]
