"""Pictures of a recording beside its reference: mel, pitch, difference."""

import io
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform
from ezrvc_eval.metrics.alignment import at_common_rate, cepstra_of, run_in_step, warping_path
from ezrvc_eval.metrics.pitch import FRAMES
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.spectrogram import MelSpec, mel_spectrogram

REFERENCE_COLOUR = "#35618f"
CONVERTED_COLOUR = "#c8553d"
_N_MELS = 80
_DIFFERENCE_DB = 30.0
_DPI = 100
_DB = 20 / np.log(10)


def case_picture(
    reference: Waveform | None, converted: Waveform, estimator: F0Estimator | None
) -> bytes:
    """A PNG: mels, their difference in dB (warped where lengths differ), pitch curves.

    Args:
        reference: what the recording is held against, mono.
        converted: the recording, mono.
        estimator: finds pitch; None: no curves.
    """
    if reference is None:
        mels = [_mel(converted)]
        titles = ["recording"]
    else:
        mels = [_mel(each) for each in at_common_rate(reference, converted)]
        titles = ["reference", "recording"]
    n_rows = len(mels) + (reference is not None) + (estimator is not None)
    figure = Figure(figsize=(11, 1.75 * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, 1, squeeze=False)[:, 0]
    top = max(float(mel.max()) for mel in mels)
    for axis, mel, title in zip(axes, mels, titles, strict=False):
        _draw(axis, mel, title, cmap="magma", vmin=top - 70, vmax=top)
    if reference is not None:
        in_step = run_in_step(reference, converted)
        _draw(
            axes[2], _difference(mels[0], mels[1], in_step),
            "recording less reference, dB" if in_step else "recording less reference, dB (warped)",
            cmap="RdBu_r", vmin=-_DIFFERENCE_DB, vmax=_DIFFERENCE_DB,
        )  # fmt: skip
    if estimator is not None:
        _draw_pitch(axes[-1], reference, converted, estimator)
    axes[-1].set_xlabel("time, s")
    longest_s = max(mel.shape[1] for mel in mels) / FRAMES.frame_rate_hz
    for axis in axes:
        axis.set_xlim(0, longest_s)
    return _png(figure)


def _mel(waveform: Waveform) -> NDArray[np.float64]:
    """Mel spectrogram in dB, (n_mels, n_frames), 100 frames a second."""
    rate = waveform.sample_rate
    bands = MelSpec(sample_rate=rate, n_fft=1024, n_mels=_N_MELS)
    hop_length = round(rate / FRAMES.frame_rate_hz)
    mel = mel_spectrogram(torch.from_numpy(waveform.samples), bands, hop_length)[0]
    return mel.double().numpy() * _DB


def _difference(
    reference: NDArray[np.float64], converted: NDArray[np.float64], in_step: bool
) -> NDArray[np.float64]:
    """How much louder the recording is in each band, on the recording's time."""
    if in_step:
        n_frames = min(reference.shape[1], converted.shape[1])
        return converted[:, :n_frames] - reference[:, :n_frames]
    left, right = warping_path(cepstra_of(reference / _DB), cepstra_of(converted / _DB))
    answering = np.zeros(converted.shape[1], np.intp)
    answering[right] = left
    return converted - reference[:, answering]


def _draw(axis: Axes, mel: NDArray[np.float64], title: str, **how: Any) -> None:
    axis.imshow(
        mel, origin="lower", aspect="auto", interpolation="nearest",
        extent=(0, mel.shape[1] / FRAMES.frame_rate_hz, 0, _N_MELS), **how,
    )  # fmt: skip
    axis.set_title(title, loc="left", fontsize=9)
    axis.set_ylabel("mel band", fontsize=8)
    axis.tick_params(labelsize=8)


def _draw_pitch(
    axis: Axes, reference: Waveform | None, converted: Waveform, estimator: F0Estimator
) -> None:
    if reference is not None:
        _plot(axis, estimator.estimate(reference, FRAMES), REFERENCE_COLOUR, 3.0, "reference")
    _plot(axis, estimator.estimate(converted, FRAMES), CONVERTED_COLOUR, 1.3, "recording")
    axis.set_title("pitch", loc="left", fontsize=9)
    axis.set_ylabel("F0, Hz", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8, loc="upper right", ncols=2, frameon=False)


def _plot(axis: Axes, curve: F0Curve, colour: str, width: float, label: str) -> None:
    hz = np.where(curve.voiced, curve.hz, np.nan)
    times_s = FRAMES.times_s(len(hz))
    axis.plot(times_s, hz, color=colour, linewidth=width, alpha=0.8, label=label)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
