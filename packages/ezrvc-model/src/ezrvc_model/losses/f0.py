"""The F0 decoder should predict the F0 that was sung."""

import torch

from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.output import SynthesizerOutput


def f0_loss(output: SynthesizerOutput) -> torch.Tensor:
    """Mean squared error of log F0 over all frames, as so-vits-svc takes it.

    Raises:
        ModelError: the model has no F0 decoder.
    """
    if output.predicted_log_f0 is None:
        raise ModelError("this model has no F0 decoder: there is no F0 loss to take")
    return (output.predicted_log_f0.float() - output.log_f0.float()).square().mean()
