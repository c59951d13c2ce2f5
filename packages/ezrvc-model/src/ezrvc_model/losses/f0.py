"""The F0 decoder should predict the F0 that was sung."""

import torch

from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.output import SynthesizerOutput


def f0_loss(output: SynthesizerOutput, n_frames: torch.Tensor | None = None) -> torch.Tensor:
    """Mean squared error of log F0; padding, where truth and answer are 0, adds nothing.

    Args:
        output: of the training pass.
        n_frames: scalar, what the sum is divided by; None: all frames and those of the padding
            too, as so-vits-svc does.

    Raises:
        ModelError: the model has no F0 decoder.
    """
    if output.predicted_log_f0 is None:
        raise ModelError("this model has no F0 decoder: there is no F0 loss to take")
    error = (output.predicted_log_f0.float() - output.log_f0.float()).square()
    return error.mean() if n_frames is None else error.sum() / n_frames
