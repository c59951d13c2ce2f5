"""Pictures of a recording beside its reference: mel, pitch, difference."""

import io
from dataclasses import dataclass
from typing import Any

import librosa
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform
from ezrvc_eval.metrics.alignment import (
    at_common_rate,
    cepstra_of,
    common_rate,
    run_in_step,
    warping_path,
)
from ezrvc_eval.metrics.pitch import FRAMES
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.spectrogram import MelSpec, mel_spectrogram

REFERENCE_COLOUR = "#35618f"
CONVERTED_COLOUR = "#c8553d"
_N_MELS = 80
_DIFFERENCE_DB = 30.0
_VISIBLE_DB = 70.0
"""What is softer than the loudest by more is black, and silence to the difference."""
_TICKS_HZ = (500, 1000, 2000, 4000, 8000, 16000)
_INK = "#7d766c"
"""Of writing: to be read on white and on black."""
_WIDTH_IN = 11.0
_ROW_IN = 1.55
_FOOT_IN = 0.36
_LEFT, _RIGHT = 0.045, 0.995
_DPI = 100
_PAGE_DPI = 150
_DB = 20 / np.log(10)


@dataclass(frozen=True)
class DrawnCase:
    """A picture whose time axis a page can follow.

    Attributes:
        image: WebP, of no background.
        edges: where the time axis begins and ends, as shares of the width.
        seconds: on the time axis.
    """

    image: bytes
    edges: tuple[float, float]
    seconds: float


def case_picture(
    reference: Waveform | None, converted: Waveform, estimator: F0Estimator | None
) -> bytes:
    """A PNG: mels, their difference in dB (warped where lengths differ), pitch curves.

    Args:
        reference: what the recording is held against, mono.
        converted: the recording, mono.
        estimator: finds pitch; None: no curves.
    """
    figure, _ = _draw_case(reference, converted, estimator)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def page_picture(
    reference: Waveform | None, converted: Waveform, estimator: F0Estimator | None
) -> DrawnCase:
    """The same for a page, sharper; its arguments are those of `case_picture`."""
    figure, seconds = _draw_case(reference, converted, estimator)
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="webp", dpi=_PAGE_DPI, transparent=True, pil_kwargs={"quality": 82}
    )
    return DrawnCase(buffer.getvalue(), (_LEFT, _RIGHT), seconds)


def _draw_case(
    reference: Waveform | None, converted: Waveform, estimator: F0Estimator | None
) -> tuple[Figure, float]:
    """The figure, and the seconds that its time axes span."""
    if reference is None:
        mels, titles = [_mel(converted)], ["recording"]
    else:
        mels = [_mel(each) for each in at_common_rate(reference, converted)]
        titles = ["reference", "recording"]
    rate = converted.sample_rate if reference is None else common_rate(reference, converted)
    n_rows = len(mels) + (reference is not None) + (estimator is not None)
    height = _ROW_IN * n_rows + _FOOT_IN
    figure = Figure(figsize=(_WIDTH_IN, height))
    axes = figure.subplots(n_rows, 1, squeeze=False, sharex=True)[:, 0]
    figure.subplots_adjust(
        left=_LEFT, right=_RIGHT, top=1 - 0.24 / height, bottom=(_FOOT_IN + 0.08) / height,
        hspace=0.3,
    )  # fmt: skip
    top = max(float(mel.max()) for mel in mels)
    for axis, mel, title in zip(axes, mels, titles, strict=False):
        _draw(axis, mel, rate, title, cmap="magma", vmin=top - _VISIBLE_DB, vmax=top)
    if reference is not None:
        in_step = run_in_step(reference, converted)
        seen = [np.maximum(mel, top - _VISIBLE_DB) for mel in mels]
        _draw(
            axes[2], _difference(seen, mels, in_step), rate,
            f"recording less reference{'' if in_step else ' (warped)'}: red is louder, blue is "
            f"softer, by up to {_DIFFERENCE_DB:.0f} dB",
            cmap="RdBu_r", vmin=-_DIFFERENCE_DB, vmax=_DIFFERENCE_DB,
        )  # fmt: skip
    if estimator is not None:
        _draw_pitch(axes[-1], reference, converted, estimator)
    axes[-1].set_xlabel("time, s", fontsize=8, color=_INK)
    seconds = max(mel.shape[1] for mel in mels) / FRAMES.frame_rate_hz
    axes[-1].set_xlim(0, seconds)
    return figure, seconds


def _mel(waveform: Waveform) -> NDArray[np.float64]:
    """Mel spectrogram in dB, (n_mels, n_frames), 100 frames a second."""
    rate = waveform.sample_rate
    bands = MelSpec(sample_rate=rate, n_fft=1024, n_mels=_N_MELS)
    hop_length = round(rate / FRAMES.frame_rate_hz)
    mel = mel_spectrogram(torch.from_numpy(waveform.samples), bands, hop_length)[0]
    return mel.double().numpy() * _DB


def _difference(
    seen: list[NDArray[np.float64]], mels: list[NDArray[np.float64]], in_step: bool
) -> NDArray[np.float64]:
    """How much louder the recording is in each band, on the recording's time.

    Args:
        seen: of reference and recording, raised to what is visible: below it nothing differs.
        mels: the same as they are, which are warped.
        in_step: whether they need not be.
    """
    reference, converted = seen
    if in_step:
        n_frames = min(reference.shape[1], converted.shape[1])
        return converted[:, :n_frames] - reference[:, :n_frames]
    left, right = warping_path(*(cepstra_of(mel / _DB) for mel in mels))
    answering = np.zeros(converted.shape[1], np.intp)
    answering[right] = left
    return converted - reference[:, answering]


def _draw(axis: Axes, mel: NDArray[np.float64], rate: int, title: str, **how: Any) -> None:
    axis.imshow(
        mel, origin="lower", aspect="auto", interpolation="nearest",
        extent=(0, mel.shape[1] / FRAMES.frame_rate_hz, 0, _N_MELS), **how,
    )  # fmt: skip
    shown = [hz for hz in _TICKS_HZ if hz < rate / 2]
    mels = librosa.hz_to_mel(np.array(shown)) / librosa.hz_to_mel(rate / 2)
    axis.set_yticks(mels * (_N_MELS + 1) - 0.5, [f"{hz / 1000:g}" for hz in shown])
    _label(axis, title, "kHz")


def _label(axis: Axes, title: str, unit: str) -> None:
    axis.set_title(title, loc="left", fontsize=9, color=_INK)
    axis.set_ylabel(unit, fontsize=8, color=_INK)
    axis.tick_params(labelsize=8, colors=_INK, length=3)
    for spine in axis.spines.values():
        spine.set_color("#8886")


def _draw_pitch(
    axis: Axes, reference: Waveform | None, converted: Waveform, estimator: F0Estimator
) -> None:
    if reference is not None:
        _plot(axis, estimator.estimate(reference, FRAMES), REFERENCE_COLOUR, 3.0, "reference")
    _plot(axis, estimator.estimate(converted, FRAMES), CONVERTED_COLOUR, 1.3, "recording")
    _label(axis, "pitch", "Hz")
    axis.grid(alpha=0.25)
    axis.legend(
        fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, frameon=False,
        labelcolor=_INK, borderaxespad=0,
    )  # fmt: skip


def _plot(axis: Axes, curve: F0Curve, colour: str, width: float, label: str) -> None:
    hz = np.where(curve.voiced, curve.hz, np.nan)
    times_s = FRAMES.times_s(len(hz))
    axis.plot(times_s, hz, color=colour, linewidth=width, alpha=0.8, label=label)
