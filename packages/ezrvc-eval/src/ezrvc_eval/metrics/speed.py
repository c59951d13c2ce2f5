"""How fast is it, and how much memory does it take?"""

import threading
import time
from types import TracebackType
from typing import Self

from ezrvc_device.memory import memory_status
from ezrvc_device.progress import Progress
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.items import Take, Timing
from ezrvc_eval.metric import Measurement, Score

_LOOK_EVERY_S = 0.02


class SpeedMeter:
    """Reads what a `SpeedProbe` measured."""

    def measure(self, take: Take) -> Measurement:
        """`real_time_factor`, `first_audio` and `peak_memory`."""
        timing, duration_s = take.timing, take.converted.duration_s
        if timing is None:
            return Measurement(notes=("speed: nobody measured how the recording was made",))
        scores = {"real_time_factor": Score(timing.elapsed_s / duration_s, duration_s)}
        if timing.first_audio_s is not None:
            scores["first_audio"] = Score(timing.first_audio_s * 1000)
        if timing.peak_memory_mb is not None:
            scores["peak_memory"] = Score(timing.peak_memory_mb)
        return Measurement(scores)


class SpeedProbe:
    """Measures what making one recording costs.

    ```
    with SpeedProbe() as probe:
        for piece in convert(...):
            probe.first_audio()
    item = EvaluationItem(..., timing=probe.timing)
    ```
    """

    def __init__(self) -> None:
        self._began_s = 0.0
        self._elapsed_s: float | None = None
        self._first_s: float | None = None
        self._peak = 0
        self._finished = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def first_audio(self) -> None:
        """Say that sound is ready; only the first time counts."""
        if self._first_s is None:
            self._first_s = time.perf_counter() - self._began_s

    @property
    def timing(self) -> Timing:
        """What was measured.

        Raises:
            ValueError: it is still being measured.
        """
        if self._elapsed_s is None:
            raise ValueError("a probe tells what it measured once its block has ended")
        return Timing(
            elapsed_s=self._elapsed_s,
            first_audio_s=self._first_s,
            peak_memory_mb=self._peak / 1e6,
        )

    def __enter__(self) -> Self:
        self._look()
        self._watcher.start()
        self._began_s = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._elapsed_s = time.perf_counter() - self._began_s
        self._finished.set()
        self._watcher.join()
        self._look()

    def _watch(self) -> None:
        while not self._finished.wait(_LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        self._peak = max(self._peak, memory_status().process_resident)


def load(config: EvaluationConfig, device: str, progress: Progress) -> SpeedMeter:
    """It needs no model."""
    return SpeedMeter()
