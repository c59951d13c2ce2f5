"""Pictures of a conversion and of a training run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_device.atomic import atomic_file
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import MelSpec, mel_spectrogram

_SOURCE_COLOUR = "#35618f"
_RESULT_COLOUR = "#c8553d"


def conversion_figure(source: Waveform, result: Waveform, estimator: F0Estimator) -> Figure:
    """Waveform, mel spectrogram and pitch of a source and of its conversion, side by side."""
    figure = Figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplots(3, 2, sharex=True, sharey="row", squeeze=False)
    rate = result.sample_rate
    frames = FrameSpec(rate, rate // 100)
    duration_s = max(source.duration_s, result.duration_s)
    for column, (title, waveform, colour) in enumerate(
        [("source", source, _SOURCE_COLOUR), ("converted", result, _RESULT_COLOUR)]
    ):
        mono = resample(waveform.mono(), rate)
        _draw_waveform(axes[0, column], mono, colour)
        axes[0, column].set_title(title)
        _draw_mel(axes[1, column], mono)
        curve = estimator.estimate(mono, frames)
        hz = np.where(curve.voiced, curve.hz, np.nan)
        axes[2, column].plot(frames.times_s(len(hz)), hz, color=colour, linewidth=1.2)
        axes[2, column].set_ylabel("F0, Hz")
        axes[2, column].set_xlabel("time, s")
        axes[2, column].set_xlim(0, duration_s)
    return figure


def training_figure(metrics: Sequence[Mapping[str, float]], names: Mapping[str, str]) -> Figure:
    """Curves of the named metrics over the steps, one panel each.

    Args:
        metrics: rows with a `step` and `group/name` values.
        names: metric to title.
    """
    figure = Figure(figsize=(max(12, 2.6 * len(names)), 3.2), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, (name, title) in zip(axes, names.items(), strict=True):
        rows = [(row["step"], row[name]) for row in metrics if name in row]
        if rows:
            steps, values = zip(*rows, strict=True)
            axis.plot(steps, values, color=_SOURCE_COLOUR, linewidth=1.2)
        axis.set_title(title)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _draw_waveform(axis: Axes, waveform: Waveform, colour: str) -> None:
    samples = waveform.samples[0]
    per_column = max(1, len(samples) // 2000)
    columns: NDArray[np.float32] = samples[: len(samples) // per_column * per_column].reshape(
        -1, per_column
    )
    times = np.arange(len(columns)) * per_column / waveform.sample_rate
    axis.fill_between(times, columns.min(axis=1), columns.max(axis=1), color=colour, linewidth=0)
    axis.set_ylim(-1, 1)
    axis.set_ylabel("amplitude")


def _draw_mel(axis: Axes, waveform: Waveform) -> None:
    rate = waveform.sample_rate
    hop_length = rate // 100
    spec = MelSpec(sample_rate=rate, n_fft=2048, n_mels=80, fmin_hz=0.0, fmax_hz=rate / 2)
    mel = mel_spectrogram(torch.from_numpy(waveform.samples), spec, hop_length)[0]
    axis.imshow(
        mel.numpy(), origin="lower", aspect="auto", cmap="magma", vmin=-9, vmax=2,
        extent=(0, mel.shape[1] * hop_length / rate, 0, spec.n_mels),
    )  # fmt: skip
    axis.set_ylabel("mel band")
