"""A folder of sound files in, one .npz of content and pitch beside each name out.

python folder_in.py RECORDINGS FEATURES [--encoder hubert-soft]
"""

import argparse
from pathlib import Path

import numpy as np

from ezrvc_audio import read
from ezrvc_features import FrameSpec, load_encoder, load_f0_estimator

FRAMES = FrameSpec(sample_rate=44100, hop_length=512)


def main() -> None:
    """The models are loaded once; files of any length, rate and format are taken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recordings", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("--encoder", default="mel")
    arguments = parser.parse_args()

    encoder, estimator = load_encoder(arguments.encoder), load_f0_estimator("swift-f0")
    arguments.features.mkdir(parents=True, exist_ok=True)
    for path in sorted(arguments.recordings.iterdir()):
        waveform = read(path, mono=True)
        content, f0 = encoder.encode(waveform).numpy(), estimator.estimate(waveform, FRAMES)
        np.savez(arguments.features / f"{path.name}.npz", content=content, f0_hz=f0.hz)
        print(f"{path.name}: content {content.shape}, pitch {f0.hz.shape}")


if __name__ == "__main__":
    main()
