"""Brings the features of one utterance onto one frame grid, the only place that does."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.interpolation import interpolate_unvoiced
from ezrvc_features.frames import FrameSpec
from ezrvc_features.utterance import UtteranceFeatures

StretchRule = Literal["nearest", "left"]
UnvoicedRule = Literal["interpolate", "zero"]
Curve = torch.Tensor | NDArray[np.generic]
"""A one-dimensional feature, as a tensor or as read from a `.npy` file."""

LENGTH_TOLERANCE = 3
"""Frames (of the slower of two grids) by which lengths may differ and still be reconciled."""


def stretch_index(
    n_content: int,
    n_frames: int,
    rule: StretchRule,
    *,
    start_frame: int = 0,
    n_frames_total: int | None = None,
) -> NDArray[np.int64]:
    """Which content vector each frame takes, when n_content vectors fill n_frames_total frames.

    Both rules are those of so-vits-svc 4.1 (`unit_interpolate_mode`). "nearest" is
    floor(i * scale) with scale = n_content / n_frames_total rounded to float32, as in
    `torch.nn.functional.interpolate`. "left" holds each vector until its share of the frames is
    used up, floor(i * n_content / n_frames_total) exactly, and never skips a vector: with fewer
    frames than vectors it takes the first ones.

    Args:
        n_content: content vectors of the whole recording.
        n_frames: frames wanted.
        rule: "nearest" or "left".
        start_frame: the first frame wanted, counted from the beginning of the recording.
        n_frames_total: frames of the whole recording; None: start_frame + n_frames.

    Returns:
        int64, (n_frames,), within 0 and n_content - 1.

    Raises:
        FeatureError: there is no content, or the wanted frames lie outside the recording.
    """
    total = start_frame + n_frames if n_frames_total is None else n_frames_total
    if n_content < 1:
        raise FeatureError("the content is empty: there is nothing to stretch")
    if n_frames < 0 or start_frame < 0 or start_frame + n_frames > total:
        raise FeatureError(
            f"frames {start_frame} to {start_frame + n_frames} lie outside a recording of {total}"
        )
    frame = np.arange(start_frame, start_frame + n_frames, dtype=np.int64)
    if rule == "nearest":
        scale = np.float32(n_content) / np.float32(max(total, 1))
        index = np.floor(frame.astype(np.float32) * scale).astype(np.int64)
    else:
        index = np.minimum(frame, frame * n_content // max(total, 1))
    return np.minimum(index, n_content - 1)


@dataclass(frozen=True)
class FeatureAligner:
    """Stretches content to the frame grid, settles unvoiced pitch and reconciles lengths.

    Attributes:
        frames: the grid.
        unvoiced: what pitch is in unvoiced frames: "interpolate" (straight lines between voiced
            frames, edges held; SoVITS) or "zero" (RVC).
        stretch: how content is stretched, see `stretch_index`; "nearest" or "left".
    """

    frames: FrameSpec
    unvoiced: UnvoicedRule = "interpolate"
    stretch: StretchRule = "nearest"

    def stretch_content(
        self,
        content: torch.Tensor,
        n_frames: int,
        *,
        start_frame: int = 0,
        n_frames_total: int | None = None,
        start_content: int = 0,
        n_content_total: int | None = None,
    ) -> torch.Tensor:
        """Content on the frame grid, of a whole recording or of a window of it.

        A window equals the same frames of the whole when the totals of the whole are given: the
        rule is then applied to the whole recording's lengths.

        Args:
            content: (..., n_content), vectors `start_content` onwards.
            n_frames: frames wanted.
            start_frame: the first frame wanted, counted from the recording's beginning.
            n_frames_total: frames of the whole recording; None: start_frame + n_frames.
            start_content: which vector of the recording is the first of `content`.
            n_content_total: vectors of the whole recording; None: start_content + n_content.

        Returns:
            (..., n_frames).

        Raises:
            FeatureError: the content is empty, frames lie outside the recording, or the window of
                content does not hold a vector that they need.
        """
        n_content = content.shape[-1]
        total = start_content + n_content if n_content_total is None else n_content_total
        index = stretch_index(
            total,
            n_frames,
            self.stretch,
            start_frame=start_frame,
            n_frames_total=n_frames_total,
        )
        index = index - start_content
        if n_frames and (index[0] < 0 or index[-1] >= n_content):
            raise FeatureError(
                f"frames {start_frame} to {start_frame + n_frames} need content vectors "
                f"{index[0] + start_content} to {index[-1] + start_content}, the window holds "
                f"{start_content} to {start_content + n_content - 1}"
            )
        return content[..., torch.from_numpy(index).to(content.device)]

    def align(
        self,
        content: torch.Tensor,
        content_frame_rate_hz: float,
        f0: Curve,
        voiced: Curve,
        volume: Curve,
        n_frames: int,
        spectrogram: torch.Tensor | None = None,
    ) -> UtteranceFeatures:
        """All features of one utterance with exactly n_frames frames each.

        Curves and spectrogram that are up to `LENGTH_TOLERANCE` frames longer are cut, shorter
        ones hold their last frame.

        Args:
            content: (dim, n_content) at the encoder's own rate.
            content_frame_rate_hz: that rate.
            f0: (frames,), Hz.
            voiced: (frames,), True or 1 where voiced.
            volume: (frames,), RMS.
            n_frames: frames of the utterance on the grid.
            spectrogram: (n_bins, frames) linear magnitudes, or None.

        Returns:
            float32 tensors on the device of the content.

        Raises:
            FeatureError: a feature is empty, or its length does not fit n_frames.
        """
        self._check_content(content.shape[-1], content_frame_rate_hz, n_frames)
        device = content.device
        is_voiced = _fit("voiced", torch.as_tensor(voiced, device=device).float(), n_frames)
        pitch = _fit("f0", torch.as_tensor(f0, device=device).float(), n_frames) * is_voiced
        if self.unvoiced == "interpolate":
            joined = interpolate_unvoiced(pitch.cpu().numpy(), is_voiced.cpu().numpy() > 0)
            pitch = torch.from_numpy(joined).to(device)
        if spectrogram is not None:
            spectrogram = _fit("spectrogram", spectrogram.to(device).float(), n_frames)
        return UtteranceFeatures(
            content=self.stretch_content(content.float(), n_frames),
            f0=pitch,
            voiced=is_voiced,
            volume=_fit("volume", torch.as_tensor(volume, device=device).float(), n_frames),
            spectrogram=spectrogram,
        )

    def _check_content(self, n_content: int, content_frame_rate_hz: float, n_frames: int) -> None:
        slower_hz = min(content_frame_rate_hz, self.frames.frame_rate_hz)
        apart_s = n_content / content_frame_rate_hz - n_frames / self.frames.frame_rate_hz
        if n_content == 0 or abs(apart_s) * slower_hz > LENGTH_TOLERANCE:
            raise FeatureError(
                f"content has {n_content} vectors at {content_frame_rate_hz:g} Hz, but the "
                f"utterance has {n_frames} frames at {self.frames.frame_rate_hz:g} Hz: "
                "they are not of the same recording, extract the features again"
            )


def _fit(name: str, values: torch.Tensor, n_frames: int) -> torch.Tensor:
    """The last axis with n_frames frames: cut, or its last frame held."""
    length = values.shape[-1]
    if length == 0 or abs(length - n_frames) > LENGTH_TOLERANCE:
        raise FeatureError(
            f"{name} has {length} frames, but the utterance has {n_frames}: "
            "they are not of the same recording or frame grid, extract the features again"
        )
    frame = torch.arange(n_frames, device=values.device).clamp(max=length - 1)
    return values[..., frame]
