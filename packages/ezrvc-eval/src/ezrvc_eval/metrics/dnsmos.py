"""How would listeners rate it? DNSMOS P.835 and P.808.

The networks are those inside the package `speechmos` (MIT); what is done to their input and output
is that package's: sound of less than 9.01 s is doubled until it is as long, windows of 9.01 s begin
every second and their scores are averaged. Ours: of a long recording at most 20 windows are heard,
evenly spread, and samples beyond full scale are clipped rather than refused.
"""

import warnings
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.reading import read
from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress
from ezrvc_device.weights import PackageSource, WeightSpec, fetch
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import MissingWeightsError
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Score
from ezrvc_eval.metrics.network import OnnxNetwork

SAMPLE_RATE = 16000
_WINDOW = int(9.01 * SAMPLE_RATE)
_MOST_WINDOWS = 20
_P835 = WeightSpec(
    "DNSMOS P.835", PackageSource("speechmos", "dnsmos_models/sig_bak_ovr.onnx"), licence="MIT"
)
_P808 = WeightSpec(
    "DNSMOS P.808", PackageSource("speechmos", "dnsmos_models/model_v8.onnx"), licence="MIT"
)
_TO_MOS = {
    "dnsmos_signal": np.poly1d([-0.08397278, 1.22083953, 0.0052439]),
    "dnsmos_background": np.poly1d([-0.13166888, 1.60915514, -0.39604546]),
    "dnsmos_overall": np.poly1d([-0.06766283, 1.11546468, 0.04602535]),
}
"""From the network's outputs, in this order, to opinion scores; of the published program."""
_P808_N_FFT = 321
_P808_HOP = 160


class DnsmosMeter:
    """Predicts opinion scores, 1 (bad) to 5 (excellent).

    Args:
        p835: the network of signal, background and overall scores.
        p808: the network of the P.808 score.
        hears_targets: whether the target's recordings are heard, too, for `dnsmos_difference`.
    """

    def __init__(self, p835: OnnxNetwork, p808: OnnxNetwork, *, hears_targets: bool = True) -> None:
        self._hears_targets = hears_targets
        self._p835 = p835
        self._p808 = p808
        self._targets: dict[Path, float] = {}
        with warnings.catch_warnings():
            # so many narrow bands at so short a transform leave some empty, as published
            warnings.filterwarnings("ignore", message="Empty filters", category=UserWarning)
            self._bands = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=_P808_N_FFT, n_mels=120)

    def measure(self, take: Take) -> Measurement:
        """The four scores, means over the windows; with a target, the difference to it."""
        means = self._opinions(take.converted)
        scores = {name: Score(value) for name, value in means.items()}
        if take.target and self._hears_targets:
            usual = np.mean([self._target(path) for path in take.target])
            scores["dnsmos_difference"] = Score(means["dnsmos_overall"] - float(usual))
        return Measurement(scores)

    def _target(self, recording: Path) -> float:
        """The overall score of a recording of the target voice; heard once."""
        if recording not in self._targets:
            heard = self._opinions(read(recording, mono=True))
            self._targets[recording] = heard["dnsmos_overall"]
        return self._targets[recording]

    def _opinions(self, waveform: Waveform) -> dict[str, float]:
        rows: list[list[float]] = []
        for window in windows(waveform):
            raw = self._p835(window[None])
            scores = [float(curve(x)) for curve, x in zip(_TO_MOS.values(), raw, strict=True)]
            rows.append([*scores, float(self._p808(self._mel(window[:-_P808_HOP])[None])[0])])
        means = np.mean(rows, axis=0).clip(1.0, 5.0)
        names = (*_TO_MOS, "dnsmos_p808")
        return {name: float(mean) for name, mean in zip(names, means, strict=True)}

    def _mel(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the P.808 network sees, (n_frames, 120)."""
        spectrum = librosa.stft(samples, n_fft=_P808_N_FFT, hop_length=_P808_HOP)
        power = self._bands @ (np.abs(spectrum) ** 2)
        decibels = librosa.power_to_db(power, ref=np.max)
        return ((decibels + 40) / 40).T.astype(np.float32)


def windows(waveform: Waveform) -> list[NDArray[np.float32]]:
    """What the networks hear of a recording: windows of 9.01 s at 16 kHz, at most 20."""
    samples = resample(waveform.mono(), SAMPLE_RATE).samples[0].clip(-1.0, 1.0)
    while len(samples) < _WINDOW:
        samples = np.concatenate([samples, samples])
    n_windows = int(len(samples) // SAMPLE_RATE - 9.01) + 1
    starts = np.arange(n_windows) * SAMPLE_RATE
    if n_windows > _MOST_WINDOWS:
        starts = starts[np.linspace(0, n_windows - 1, _MOST_WINDOWS).round().astype(int)]
    return [samples[start : start + _WINDOW] for start in starts]


def load(config: EvaluationConfig, device: str, progress: Progress) -> DnsmosMeter:
    """Load the networks; a target is heard only where the difference to it is asked for.

    Raises:
        MissingWeightsError: the package that holds them is not installed.
    """
    names = config.metrics
    needed = not names or bool({"dnsmos", "dnsmos_difference"} & set(names))
    try:
        p835, p808 = OnnxNetwork(fetch(_P835)), OnnxNetwork(fetch(_P808))
        return DnsmosMeter(p835, p808, hears_targets=needed)
    except WeightsError as error:
        raise MissingWeightsError(str(error)) from error
