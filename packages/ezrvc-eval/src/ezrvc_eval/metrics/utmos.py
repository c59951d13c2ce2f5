"""How natural is it? UTMOS, where its weights are.

The ONNX file holds the whole program: sound at 16 kHz in, one opinion score out.
"""

from pathlib import Path

import numpy as np

from ezrvc_audio.resampling import resample
from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress
from ezrvc_device.weights import UNVERIFIED, HubSource, WeightSpec, fetch, weights_present
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import EvalError, MissingWeightsError
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Score
from ezrvc_eval.metrics.network import OnnxNetwork

SAMPLE_RATE = 16000
WEIGHTS = WeightSpec(
    "UTMOS",
    HubSource("TigreGotico/utmos-onnx", "utmos22_strong.onnx", UNVERIFIED),
    licence="MIT",
)
_SHORTEST = 400
"""Samples; what is shorter is filled up with silence, for the network gives nothing for less."""
_LONGEST_S = 30.0


class UtmosMeter:
    """Predicts the opinion score of naturalness; of a long recording, of its first 30 s.

    Args:
        network: UTMOS as an ONNX graph.
    """

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network

    def measure(self, take: Take) -> Measurement:
        """`utmos`."""
        samples = resample(take.converted.mono(), SAMPLE_RATE).samples
        samples = samples[:, : int(_LONGEST_S * SAMPLE_RATE)]
        padded = np.pad(samples, ((0, 0), (0, max(0, _SHORTEST - samples.shape[1]))))
        return Measurement({"utmos": Score(float(self._network(padded)[0]))})


def load(config: EvaluationConfig, device: str, progress: Progress) -> UtmosMeter:
    """Load the network, from the file that the configuration names or from the cache.

    Raises:
        MissingWeightsError: the weights are not here.
        EvalError: the file is not there or is something else.
    """
    if config.utmos not in {"", "hub"}:
        path = Path(config.utmos)
        if not path.is_file():
            raise EvalError(f"utmos = {config.utmos}: no such file; give an ONNX file, or hub")
        return UtmosMeter(OnnxNetwork(path))
    if not config.utmos and not weights_present(WEIGHTS):
        raise MissingWeightsError(
            f"the weights of UTMOS are not here; fetch them ({WEIGHTS.source}) with "
            "--set utmos=hub, or give an ONNX file with --set utmos=PATH"
        )
    try:
        return UtmosMeter(OnnxNetwork(fetch(WEIGHTS, progress)))
    except WeightsError as error:
        raise MissingWeightsError(str(error)) from error
