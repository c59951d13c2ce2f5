"""Material for tests of this package and of those that stand on it."""

from ezrvc_model.testing.processes import train_in_process, train_with_file_limit, training_process
from ezrvc_model.testing.voices import (
    save_nsf_hifigan,
    save_rvc_voice,
    save_sovits_voice,
    save_untrained_voice,
    small_config,
    untrained_voice,
    write_rvc_checkpoint,
)

__all__ = [
    "save_nsf_hifigan",
    "save_rvc_voice",
    "save_sovits_voice",
    "save_untrained_voice",
    "small_config",
    "train_in_process",
    "train_with_file_limit",
    "training_process",
    "untrained_voice",
    "write_rvc_checkpoint",
]
