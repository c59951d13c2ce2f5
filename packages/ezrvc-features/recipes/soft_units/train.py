"""Train the `soft-units` encoder: see README.md beside this file.

    python -m soft_units.train CORPUS OUT --whisper FOLDER [--steps 900] [--device cuda]

CORPUS holds manifest.jsonl and align.jsonl; FOLDER the `model.bin` of Whisper tiny.en in
CTranslate2's format; OUT/checkpoint.pt is written every `--save-every` steps and at the end, and a
run that finds one goes on from it.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.atomic import atomic_file
from ezrvc_features.content.soft_units_network import SoftUnitsNetwork, scale_power
from ezrvc_features.content.whisper_ppg import WhisperPpgEncoder
from ezrvc_features.testing.ctranslate2_model import read_container, write_openai_whisper
from soft_units.augmentation import augment
from soft_units.corpus import (
    Clip,
    crops,
    held_out_speakers,
    load_clips,
    phone_classes,
    read_manifest,
)
from soft_units.measure import measure
from soft_units.objective import Judges
from soft_units.reader import Reader

LONGEST_POSITION = 1500
"""Whisper knows places in 30 seconds; clips begin anywhere in them."""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--whisper", type=Path, help="folder with model.bin; none: from scratch")
    parser.add_argument("--aligned", type=Path, help="phones of people, by soft_units.align")
    parser.add_argument("--more", type=Path, help="another corpus that is only trained on")
    parser.add_argument("--teacher", type=Path, help="checkpoint of a larger network")
    parser.add_argument("--units-of", type=Path, help="checkpoint whose units keep their meaning")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--batch", type=int, default=48, help="clips, each in two versions")
    parser.add_argument("--frames", type=int, default=150, help="of a crop, 50 a second")
    parser.add_argument("--rate", type=float, default=2e-4, help="learning rate at its highest")
    parser.add_argument("--agreement", type=float, default=1.0)
    parser.add_argument("--adversary", type=float, default=0.3)
    parser.add_argument("--lesson", type=float, default=1.0, help="weight of what a teacher says")
    parser.add_argument(
        "--shares",
        type=float,
        nargs=3,
        default=(0.5, 0.35, 0.15),
        help="of clips whose phones are exact, were aligned, are not known",
    )
    parser.add_argument("--clips", type=int, help="use only so many, to try the recipe out")
    parser.add_argument("--measure-every", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(argv)


class Training:
    """The state of a run, and its steps."""

    def __init__(self, settings: argparse.Namespace) -> None:
        self.settings = settings
        self.device = resolve_device(settings.device)
        manifest = read_manifest(settings.corpus, settings.aligned)
        self.classes = phone_classes(manifest)
        held_out = held_out_speakers(manifest)
        if settings.clips is not None:
            spread = np.linspace(0, len(manifest) - 1, settings.clips).astype(int)
            manifest = [manifest[index] for index in np.unique(spread)]
        manifest += read_manifest(settings.more) if settings.more is not None else []
        names = sorted({clip.speaker for clip in manifest})
        speakers = {name: index for index, name in enumerate(names)}
        self.clips = load_clips(
            [clip for clip in manifest if clip.speaker not in held_out], self.classes, speakers
        )
        self.held_out = load_clips(
            [clip for clip in manifest if clip.speaker in held_out], self.classes, speakers
        )
        torch.manual_seed(settings.seed)
        self.network = SoftUnitsNetwork(
            dim=settings.dim,
            width=settings.width,
            n_layers=settings.layers,
            n_heads=settings.width // 64,
        )
        if settings.whisper is not None:
            load_whisper(self.network, settings.whisper)
        self.judges = Judges(settings.dim, len(self.classes), len(speakers))
        if settings.units_of is not None:
            self._keep_units(Reader.load(settings.units_of, torch.device("cpu")))
        self.teacher: Reader | None = None
        if settings.teacher is not None:
            self.teacher = Reader.load(settings.teacher, self.device)
            self._same_classes(self.teacher)
        self.network.to(self.device)
        self.judges.to(self.device)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": list(self.network.parameters()), "scale": 1.0},
                {"params": list(self.judges.parameters()), "scale": 10.0},
            ],
            weight_decay=0.01,
        )
        self.step = 0
        self.weight = clip_weights(self.clips, settings.shares)
        self.checkpoint = settings.out / "checkpoint.pt"
        if self.checkpoint.exists():
            self._restore(torch.load(self.checkpoint, weights_only=True))

    def _keep_units(self, reader: Reader) -> None:
        """Let the phones be read as `reader` does, now and always: units mean what its did."""
        self._same_classes(reader)
        self.judges.phones.load_state_dict(reader.phones.state_dict())
        self.judges.phones.requires_grad_(False)
        if self.settings.whisper is None:
            self.network.load_state_dict(reader.network.state_dict())

    def _same_classes(self, reader: Reader) -> None:
        if reader.classes != self.classes:
            raise ValueError("its phones are not those of this corpus")

    def run(self) -> None:
        """Train to the last step, printing and saving on the way."""
        started, first = time.monotonic(), self.step
        while self.step < self.settings.steps:
            losses = self._step()
            if self.step % 10 == 0:
                speed = (self.step - first) / (time.monotonic() - started)
                shown = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
                print(f"step {self.step} {shown} steps/s {speed:.2f}", flush=True)
            last = self.step == self.settings.steps
            if last or self.step % self.settings.measure_every == 0:
                self._report()
            if last or self.step % self.settings.save_every == 0:
                self._save()

    def _step(self) -> dict[str, float]:
        settings = self.settings
        rng = np.random.default_rng((settings.seed, self.step))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        chosen = rng.choice(len(self.clips), settings.batch, p=self.weight)
        power, labels = (part.to(self.device) for part in self._crops(chosen, rng))
        speakers = torch.tensor([self.clips[i].speaker for i in chosen], device=self.device)
        heard = torch.cat([augment(power, generator), augment(power, generator)])
        chunk = None if rng.random() < 0.5 else int(rng.integers(8, 51))
        self._set_rate()
        bf16 = self.device.type != "mps"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            units = self.network(
                heard,
                chunk_frames=chunk,
                first_position=int(rng.integers(0, LONGEST_POSITION - settings.frames)),
            )
            taught = None
            if self.teacher is not None:
                taught = self.teacher.probabilities(scale_power(power))
        pull = settings.adversary * min(1.0, self.step / 200)
        losses = self.judges(units, labels, speakers, pull, taught)
        total = losses.phones + settings.agreement * losses.agreement + losses.speaker
        total = total + settings.lesson * losses.taught
        self.optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return {name: float(value.detach()) for name, value in losses._asdict().items()}

    def _crops(
        self, chosen: np.ndarray, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return crops(self.clips, chosen, self.settings.frames, rng)

    def _set_rate(self) -> None:
        """Rise over 50 steps, then fall along a cosine."""
        done = self.step / max(self.settings.steps, 1)
        rate = self.settings.rate * min(1.0, (self.step + 1) / 50)
        rate *= 0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]

    def _report(self) -> None:
        self.network.eval()
        row: dict[str, Any] = {"step": self.step}
        row |= measure(self.network, self.judges.phones, self.held_out, self.clips, self.device)
        self.network.train()
        print(json.dumps(row), flush=True)
        self.settings.out.mkdir(parents=True, exist_ok=True)
        with (self.settings.out / "scores.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _save(self) -> None:
        self.settings.out.mkdir(parents=True, exist_ok=True)
        state = {
            "step": self.step,
            "config": self.network.config,
            "classes": self.classes,
            "network": self.network.state_dict(),
            "judges": self.judges.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        with atomic_file(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def _restore(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.judges.load_state_dict(state["judges"])
        self.optimizer.load_state_dict(state["optimizer"])
        print(f"goes on from step {self.step}", flush=True)


def clip_weights(clips: Sequence[Clip], shares: Sequence[float]) -> np.ndarray:
    """How often each clip is taken: by its length, and kinds of clips in the shares asked for.

    Args:
        clips: to take from.
        shares: of clips whose phones are exact, were aligned, are not known.
    """
    length = np.array([min(clip.n_frames, 500) for clip in clips], dtype=float)
    kind = np.array([0 if clip.is_exact else 1 if clip.is_labelled else 2 for clip in clips])
    total = np.array([max(length[kind == each].sum(), 1.0) for each in range(len(shares))])
    weight = np.asarray(shares)[kind] * length / total[kind]
    return weight / weight.sum()


def load_whisper(network: SoftUnitsNetwork, folder: Path) -> None:
    """Begin with Whisper's encoder; only the projection is new."""
    with tempfile.TemporaryDirectory() as temporary:
        path = write_openai_whisper(
            read_container(folder / "model.bin"), Path(temporary) / "whisper.pt"
        )
        tensors = WhisperPpgEncoder.convert(path).tensors
    tensors.pop("embed_positions.weight")
    missing, unknown = network.load_state_dict(tensors, strict=False)
    if unknown or set(missing) != {"project.weight", "project.bias"}:
        raise ValueError(f"{folder}: not Whisper tiny (missing {missing}, unknown {unknown})")


if __name__ == "__main__":
    Training(arguments()).run()
