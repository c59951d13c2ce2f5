"""Samples as a numpy array in, content and pitch as numpy arrays out.

python numpy_in.py
"""

import numpy as np

from ezrvc_audio import Waveform
from ezrvc_features import FrameSpec, load_encoder, load_f0_estimator

SAMPLE_RATE = 22050


def main() -> None:
    """Half a second of 220 Hz, then half a second of silence."""
    time_s = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 9)) * 0.1
    samples = np.concatenate([tone, np.zeros(SAMPLE_RATE // 2)])
    waveform = Waveform(samples, SAMPLE_RATE)  # (n_samples,) or (channels, n_samples), any rate

    content = load_encoder("mel").encode(waveform).numpy()  # needs no download
    f0 = load_f0_estimator("swift-f0").estimate(waveform, FrameSpec(SAMPLE_RATE, hop_length=256))
    print("content", content.shape)  # (dim, n_frames) at 50 frames a second
    print(f"pitch {f0.hz.shape}, {np.median(f0.hz[f0.voiced]):.0f} Hz where voiced")


if __name__ == "__main__":
    main()
