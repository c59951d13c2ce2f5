"""How the demo's voice is learnt: a short way on from the built-in voice."""

from ezrvc_cli.settings import ProjectConfig, compose
from ezrvc_model.builtin import BASE, BUILT_IN_SCHEME

PRESET = "base-24k"
"""Of the built-in voice, so that all of it is taken over."""
_A_MINUTE_OF_CPU = {
    "batch_size": 4,
    "segment_frames": 24,
    "max_clip_frames": 80,
    "learning_rate": 2e-4,
    "checkpoint_every": 20,
    "checkpoint_minutes": 1.0,
    "keep_checkpoints": 1,
    "validation_clips": 0,
    "log_every": 2,
}
"""Short pieces: as much of the new voice as a minute of CPU gives. At 1e-3 the voice lost its
pitch; 2e-4 brings it nearer to the new one within 40 steps."""


def configuration(steps: int) -> ProjectConfig:
    """The settings of the demo's training: few steps from the built-in voice."""
    training = {**_A_MINUTE_OF_CPU, "base": f"{BUILT_IN_SCHEME}{BASE}", "max_steps": steps}
    return compose(preset=PRESET, options={"train": training})
