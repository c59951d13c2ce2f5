"""ONNX networks on the processor."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ezrvc_device.processors import processor_count
from ezrvc_eval.errors import EvalError


class OnnxNetwork:
    """A network with one input.

    Args:
        path: the ONNX file.

    Raises:
        EvalError: the file is no network, or has not one input.
    """

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = processor_count()
        options.log_severity_level = 3  # errors only
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of many kinds, with no root but this
            raise EvalError(f"{path}: is no ONNX network that can be run ({error})") from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise EvalError(f"{path}: the network has {len(inputs)} inputs, 1 was expected")
        self._input = inputs[0].name

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network's first output, flattened."""
        output = self._session.run(None, {self._input: values})[0]
        return np.asarray(output, dtype=np.float32).reshape(-1)
