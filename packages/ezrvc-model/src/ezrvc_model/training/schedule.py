"""The learning rate of each step."""

from ezrvc_model.config import TrainConfig


def learning_rate(settings: TrainConfig, epoch: int, step: int) -> float:
    """The rate of the step after `step` steps and `epoch` whole passes over the training clips.

    It falls by a factor each pass. In the first `warm_up_steps` it rises on a line through zero,
    beginning with one part of so many, to what it would be without. A function of the
    configuration and the data's position alone, so a resumed run needs no scheduler state.
    """
    rate = settings.learning_rate * settings.learning_rate_decay**epoch
    warm_up = settings.resolved_warm_up_steps
    return rate * (step + 1) / warm_up if step + 1 < warm_up else rate
