"""The learning rate of each step."""

from ezrvc_model.config import TrainConfig


def learning_rate(settings: TrainConfig, epoch: int) -> float:
    """The rate after `epoch` whole passes over the training clips.

    A function of the configuration and the data's position alone, so a resumed run needs no
    scheduler state.
    """
    return settings.learning_rate * settings.learning_rate_decay**epoch
