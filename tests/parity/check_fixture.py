"""Hold this network against numbers that the original programs computed.

    python tests/parity/check_fixture.py FOLDER... [--decoder-from FOLDER]

A folder holds a checkpoint (`G_*.pth` with `config.json`, or an RVC `.pth`) and recordings (`.npz`)
of one pass: inputs and what each part made of them, single precision, with all noise zero, or from
a seeded generator where the file's name says so. Checkpoints named `*.nodec.pth` lack `dec.*`,
which then comes from the checkpoint of `--decoder-from`.

One line for each output: max|a-b| / max(1, max|b|). Exits 1 if one is above 1e-4 or cannot be made.
What is predicted as F0 is compared on its own; what follows it is given the recorded F0, because
a sine whose frequency differs in the last bit drifts away from the recorded one.
"""

import argparse
import dataclasses
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ezrvc_features.f0.quantization import coarse_f0
from ezrvc_features.spectrogram import mel_spectrogram, spectrogram_to_mel
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.imported import ImportedGenerator
from ezrvc_model.interop.names import generator_names
from ezrvc_model.interop.reading import read_foreign
from ezrvc_model.interop.rvc import import_rvc
from ezrvc_model.interop.sovits import import_sovits
from ezrvc_model.losses.f0 import f0_loss
from ezrvc_model.losses.kl import kl_loss
from ezrvc_model.losses.mel import mel_loss, mel_spec
from ezrvc_model.noise import Noise, TorchNoise, ZeroNoise
from ezrvc_model.synthesizer.slicing import take_slices
from ezrvc_model.synthesizer.synthesizer import Synthesizer

TOLERANCE = 1e-4
MEL_WEIGHT = 45.0

Arrays = dict[str, torch.Tensor]
Result = tuple[str, torch.Tensor, torch.Tensor]
"""Name, ours, theirs."""


def main() -> int:
    """Check every folder of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--decoder-from", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    failures = 0
    for folder in arguments.folders:
        try:
            for name, ours, theirs in check_folder(folder, arguments.decoder_from):
                error = relative_error(ours, theirs)
                failed = not error <= TOLERANCE  # NaN fails too
                failures += failed
                print(f"{'FAIL' if failed else 'ok  '} {folder.name} {name} {error:.2e}")
        except (ModelError, OSError, ValueError, KeyError) as error:
            failures += 1
            print(f"FAIL {folder.name} {type(error).__name__}: {error}")
    return 1 if failures else 0


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """max|a-b| / max(1, max|b|); axes of length 1 may differ."""
    theirs = theirs.detach().double()
    ours = ours.detach().double()
    if ours.squeeze().shape != theirs.squeeze().shape:
        raise ValueError(f"shape {tuple(ours.shape)} instead of {tuple(theirs.shape)}")
    scale = max(1.0, float(theirs.abs().max()))
    return float((ours.squeeze() - theirs.squeeze()).abs().max()) / scale


def check_folder(folder: Path, decoder_from: Path | None) -> Iterator[Result]:
    """Every output of every recording of a folder."""
    n_results = 0
    for result in (
        check_sovits(folder, decoder_from)
        if (folder / "config.json").exists()
        else check_rvc(folder)
    ):
        n_results += 1
        yield result
    if not n_results:
        raise ValueError("holds no recording that is known here")


# --------------------------------------------------------------------- so-vits-svc


def check_sovits(folder: Path, decoder_from: Path | None) -> Iterator[Result]:
    """Outputs of a so-vits-svc variant."""
    with tempfile.TemporaryDirectory() as temporary:
        imported = import_sovits(complete_checkpoint(folder, decoder_from, Path(temporary)))
    inputs = load(folder / "infer_zero_predf0_0.npz")
    for path in sorted(folder.glob("infer_*.npz")):
        recorded = load(path)
        given = {
            **inputs,
            **{k: v for k, v in recorded.items() if k in ("c", "f0", "uv", "sid", "vol")},
        }
        seed = re.search(r"seed(\d+)", path.stem)
        predicted = path.stem.endswith("predf0_1")
        for name, ours, theirs in check_inference(imported, given, recorded, seed, predicted):
            yield f"{path.stem} {name}", ours, theirs
    if (folder / "train_fwd.npz").exists():
        yield from check_training(imported, folder)


def complete_checkpoint(folder: Path, decoder_from: Path | None, temporary: Path) -> Path:
    """A checkpoint with its decoder, beside its configuration."""
    whole = sorted(path for path in folder.glob("G_*.pth") if ".nodec" not in path.name)
    if whole:
        return whole[-1]
    partial = sorted(folder.glob("G_*.nodec.pth"))
    if not partial:
        raise ValueError("holds no G_*.pth")
    if decoder_from is None:
        raise ValueError(f"{partial[-1].name} lacks its decoder: give --decoder-from FOLDER")
    content = read_foreign(partial[-1])
    donor = read_foreign(sorted(decoder_from.glob("G_*.pth"))[-1])["model"]
    content["model"].update({k: v for k, v in donor.items() if k.startswith("dec.")})
    path = temporary / partial[-1].name.replace(".nodec", "")
    torch.save(content, path)
    shutil.copy(folder / "config.json", temporary)
    return path


def check_inference(
    imported: ImportedGenerator,
    given: Arrays,
    recorded: Arrays,
    seed: re.Match[str] | None,
    predicted: bool,
) -> Iterator[Result]:
    """One conversion, part by part as it was recorded."""
    synthesizer = imported.build().eval()
    f0, voiced, volume = given["f0"], given["uv"], given.get("vol")
    speaker = given["sid"].flatten()
    if "mix" in recorded:
        speaker = recorded["mix"].t().unsqueeze(0)
    seen = Seen(synthesizer)
    with torch.inference_mode():
        if predicted:
            yield (
                "f0_out",
                synthesizer.predict_f0(given["c"], f0, voiced, speaker, volume),
                recorded["f0_out"],
            )
            f0 = recorded["f0_out"]

        def infer() -> torch.Tensor:
            noise: Noise = TorchNoise.seeded(int(seed[1])) if seed else ZeroNoise()
            return synthesizer.infer(
                given["c"], f0, voiced, speaker, volume, noise=noise, fp32=True
            )

        audio = infer()
        for name, ours in seen.by_recorded_name().items():
            if name in recorded:
                yield name, ours, recorded[name]
        yield "audio", audio, recorded["audio"]
        seen.remove()
        synthesizer.prepare_for_inference()
        yield "audio, prepared", infer(), recorded["audio"]


class Seen:
    """What the parts of a network were given and made, the last time they ran."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        self.values: dict[str, Any] = {}
        decoder = synthesizer.decoder
        parts: dict[str, torch.nn.Module | None] = {
            "prior": synthesizer.prior_encoder,
            "flow": synthesizer.flow,
            "f0": synthesizer.f0_decoder,
            "source": synthesizer.sine_source,
            "conv_pre": decoder.input,
            "ups0": decoder.get_submodule("stages.0.upsample"),
        }
        self.handles = [
            part.register_forward_hook(self._keep(name))
            for name, part in parts.items()
            if part is not None
        ]

    def remove(self) -> None:
        """Stop looking."""
        for handle in self.handles:
            handle.remove()

    def by_recorded_name(self) -> Arrays:
        """The same under the names of the recordings."""
        named: Arrays = {}
        (x, *_), prior = self.values["prior"]
        (z_p, *_), z = self.values["flow"]
        named |= {"enc_p__in": x, "enc_p__m_p": prior.mean, "enc_p__logs_p": prior.log_deviation}
        named |= {"enc_p__z_p": z_p, "flow__z": z}
        if "f0" in self.values:
            (x, *_), log_f0 = self.values["f0"]
            named |= {"f0_decoder__in": x, "f0_decoder__pred_lf0": log_f0}
        if "source" in self.values:
            named["source__har"] = self.values["source"][1].samples.transpose(1, 2)
        # a decoder prepared for inference may run as a copy of itself, which is not looked into
        if "conv_pre" in self.values:
            named["dec_conv_pre__out"] = self.values["conv_pre"][1]
        if "ups0" in self.values:
            named["dec_ups0__out"] = self.values["ups0"][1]
        return named

    def _keep(self, name: str) -> Any:
        def hook(_: torch.nn.Module, given: tuple[Any, ...], made: Any) -> None:
            self.values[name] = (given, made)

        return hook


def check_training(imported: ImportedGenerator, folder: Path) -> Iterator[Result]:
    """One training pass without adversary: outputs, losses, and the norm of every gradient."""
    config = imported.config.model_copy(update={"mask_padding": False})
    synthesizer = dataclasses.replace(imported, config=config).build().eval()
    recorded = load(folder / "train_fwd.npz")
    spectrogram = recorded["spec"].float()
    n_frames = recorded["y_hat"].shape[-1] // config.hop_length
    output = synthesizer(
        recorded["c"],
        recorded["f0"],
        recorded["uv"],
        recorded["sid"].flatten(),
        spectrogram,
        recorded["lengths"],
        recorded.get("vol"),
        segment_frames=n_frames,
        noise=ZeroNoise(),
    )
    mel = spectrogram_to_mel(spectrogram, mel_spec(config))
    made: dict[str, torch.Tensor | None] = {
        "y_hat": output.audio,
        "ids_slice": output.slice_starts,
        **{name: getattr(output, name) for name in ("z", "z_p", "m_p", "logs_p", "m_q", "logs_q")},
        "pred_lf0": output.predicted_log_f0,
        "norm_lf0": output.normalised_log_f0,
        "lf0": output.log_f0,
        "mel": mel,
        "y_mel": take_slices(mel, output.slice_starts, n_frames),
        "y_hat_mel": mel_spectrogram(output.audio[:, 0], mel_spec(config), config.hop_length),
    }
    for name, ours in made.items():
        if ours is not None and name in recorded:
            yield f"train_fwd {name}", ours, recorded[name]
    numbers = json.loads((folder / "train_fwd_grads.json").read_text(encoding="utf-8"))
    losses = {
        "loss_mel": MEL_WEIGHT * mel_loss(output, spectrogram, config),
        "loss_kl": kl_loss(output),
    }
    if output.predicted_log_f0 is not None:
        losses["loss_lf0"] = f0_loss(output)
    for name, loss in losses.items():
        yield f"train_fwd {name}", loss, torch.tensor(numbers[name])
    torch.stack(list(losses.values())).sum().backward()
    parameters = dict(synthesizer.named_parameters())
    names = generator_names(parameters, config.decoder, "sovits")
    for ours, theirs in names.items():
        gradient = parameters[ours].grad
        norm = torch.zeros(()) if gradient is None else gradient.norm()
        yield f"train_fwd gradient of {theirs}", norm, torch.tensor(numbers["grad_norms"][theirs])


# ----------------------------------------------------------------------------- RVC


def check_rvc(folder: Path) -> Iterator[Result]:
    """Outputs of an RVC voice."""
    checkpoints = sorted(folder.glob("*.pth"))
    if not checkpoints:
        raise ValueError("holds neither config.json nor an RVC .pth")
    synthesizer = import_rvc(checkpoints[-1]).build().eval()
    recordings = {path.stem: load(path) for path in sorted(folder.glob("io_*.npz"))}
    inputs: Arrays = {}
    for recorded in recordings.values():
        if "phone" in recorded:
            inputs = recorded
    for prepared in (False, True):
        if prepared:
            synthesizer.prepare_for_inference()
        for stem, recorded in recordings.items():
            given = {**inputs, **recorded}
            for name, ours in rvc_outputs(synthesizer, given).items():
                if name in recorded:
                    yield f"{stem} {name}{', prepared' * prepared}", ours, recorded[name]


def rvc_outputs(synthesizer: Synthesizer, given: Arrays) -> Arrays:
    """One conversion by an RVC voice, under the names of the recordings."""
    content = given["phone"].transpose(1, 2)
    f0 = given.get("nsff0", torch.zeros(content.shape[0], content.shape[2]))
    seen = Seen(synthesizer)
    with torch.inference_mode():
        audio = synthesizer.infer(
            content,
            f0,
            (f0 > 0).float(),
            given["sid"].flatten(),
            lengths=given["lengths"],
            noise=ZeroNoise(),
            fp32=True,
        )
    seen.remove()
    named = {name.split("__")[-1]: value for name, value in seen.by_recorded_name().items()}
    return {**named, "pitch": coarse_f0(f0), "audio": audio}


def load(path: Path) -> Arrays:
    """The arrays of an `.npz` as tensors."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


if __name__ == "__main__":
    sys.exit(main())
