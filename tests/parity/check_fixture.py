"""Hold this network against numbers that the original programs computed.

    python tests/parity/check_fixture.py FOLDER... [--decoder-from FOLDER]

A folder holds a checkpoint (`G_*.pth` with `config.json`, an RVC `.pth`, or the `model` of an
NSF-HiFiGAN vocoder with `config.json`) and recordings (`.npz`) of one pass each: inputs and what
each part made of them, single precision, with all noise zero, or from a seeded generator where the
file's name says so (`..._seed1234.npz`). A recording without inputs was given those of the one
whose name is most like its own. Checkpoints named `*.nodec.pth` lack `dec.*`, which then comes from
the checkpoint of `--decoder-from`.

One line for each output: max|a-b| / max(1, max|b|). Exits 1 if one is above 1e-4 or cannot be made;
what a recording holds beside these is named as skipped.
What is predicted as F0 is compared on its own; what follows it is given the recorded F0, because
a sine whose frequency differs in the last bit drifts away from the recorded one.
"""

import argparse
import dataclasses
import difflib
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
from ezrvc_model.interop.names import generator_names, with_old_weight_norm
from ezrvc_model.interop.nsf_hifigan import import_nsf_hifigan
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
Result = tuple[str, torch.Tensor | None, torch.Tensor]
"""Name, ours (None: nothing here corresponds to it), theirs."""
CONTENT = frozenset(("c", "phone", "mel"))
INPUTS = CONTENT | {"f0", "uv", "sid", "vol", "lengths", "pitch", "nsff0"}
ANY_ENCODER = "recorded"
"""Content is given, so that it may come from an encoder that a user would have to name."""


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
                if ours is None:
                    print(f"skip {folder.name} {name}")
                    continue
                error = relative_error(ours, theirs)
                failed = not error <= TOLERANCE  # NaN fails too
                failures += failed
                print(f"{'FAIL' if failed else 'ok  '} {folder.name} {name} {error:.2e}")
        except (ModelError, OSError, ValueError, KeyError, RuntimeError) as error:
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
    if any(folder.glob("G_*.pth")):
        results = check_sovits(folder, decoder_from)
    elif (folder / "model").exists():
        results = check_vocoder(folder)
    else:
        results = check_rvc(folder)
    n_compared = 0
    for result in results:
        n_compared += result[1] is not None
        yield result
    if not n_compared:
        raise ValueError("holds no recording that is known here")


def recordings_of(folder: Path) -> dict[str, Arrays]:
    """Every recording of inference by its name, with inputs."""
    recordings = {
        path.stem: load(path)
        for path in sorted(folder.glob("*.npz"))
        if not path.stem.startswith("train")
    }
    complete = [stem for stem, arrays in recordings.items() if CONTENT & arrays.keys()]
    for stem, arrays in recordings.items():
        if stem in complete:
            continue
        for nearest in difflib.get_close_matches(stem, complete, n=1, cutoff=0):
            given = recordings[nearest]
            recordings[stem] = {name: given[name] for name in INPUTS & given.keys()} | arrays
    return recordings


def noise_of(stem: str) -> Noise:
    """The noise of a recording."""
    seed = re.search(r"seed(\d+)", stem)
    return TorchNoise.seeded(int(seed[1])) if seed else ZeroNoise()


# --------------------------------------------------------------------- so-vits-svc


def check_sovits(folder: Path, decoder_from: Path | None) -> Iterator[Result]:
    """Outputs of a so-vits-svc variant."""
    with tempfile.TemporaryDirectory() as temporary:
        path = complete_checkpoint(folder, decoder_from, Path(temporary))
        try:
            imported = import_sovits(path)
        except ModelError:
            imported = import_sovits(path, encoder=ANY_ENCODER)
    for stem, recorded in recordings_of(folder).items():
        for name, ours, theirs in check_inference(imported, recorded, stem):
            yield f"{stem} {name}", ours, theirs
    for path in sorted(folder.glob("train*.npz")):
        for name, ours, theirs in check_training(imported, path):
            yield f"{path.stem} {name}", ours, theirs


def complete_checkpoint(folder: Path, decoder_from: Path | None, temporary: Path) -> Path:
    """A checkpoint with its decoder, beside its configuration."""
    whole = sorted(path for path in folder.glob("G_*.pth") if ".nodec" not in path.name)
    if whole:
        return whole[-1]
    partial = sorted(folder.glob("G_*.nodec.pth"))
    if decoder_from is None:
        raise ValueError(f"{partial[-1].name} lacks its decoder: give --decoder-from FOLDER")
    content = read_foreign(partial[-1])
    donor = read_foreign(sorted(decoder_from.glob("G_*.pth"))[-1])["model"]
    content["model"].update({k: v for k, v in donor.items() if k.startswith("dec.")})
    path = temporary / partial[-1].name.replace(".nodec", "")
    torch.save(content, path)
    shutil.copy(folder / "config.json", temporary)
    return path


def check_inference(imported: ImportedGenerator, recorded: Arrays, stem: str) -> Iterator[Result]:
    """One conversion, part by part as it was recorded."""
    synthesizer = imported.build().eval()
    content, f0, voiced, volume = (recorded.get(name) for name in ("c", "f0", "uv", "vol"))
    if content is None or f0 is None or voiced is None:
        raise ValueError(f"{stem}: no recording beside it holds c, f0 and uv")
    speaker = speaker_of(recorded, imported.config.n_speakers)
    seen = Seen(synthesizer)
    compared = {*INPUTS, "mix", "audio", "f0_out"}
    with torch.inference_mode():
        if "predf0_1" in stem or "f0_decoder__pred_lf0" in recorded:
            predicted = synthesizer.predict_f0(content, f0, voiced, speaker, volume)
            yield "f0_out", predicted, recorded["f0_out"]
            f0 = recorded["f0_out"]

        def infer() -> torch.Tensor:
            told = (content, f0, voiced, speaker, volume)
            return synthesizer.infer(*told, noise=noise_of(stem), fp32=True)

        audio = infer()
        for name, ours in seen.by_recorded_name().items():
            if name in recorded:
                yield name, ours, recorded[name]
                compared.add(name)
        yield "audio", audio, recorded["audio"]
        seen.remove()
        synthesizer.prepare_for_inference()
        yield "audio, prepared", infer(), recorded["audio"]
    for name in sorted(recorded.keys() - compared):
        if not name.startswith("noise"):
            yield name, None, recorded[name]


def speaker_of(recorded: Arrays, n_speakers: int) -> torch.Tensor:
    """Rows of the speaker table, or weights; a mix may leave the last speakers out."""
    if "mix" not in recorded:
        return recorded["sid"].flatten()
    mix = recorded["mix"]  # (n_frames, n_mixed)
    weights = torch.zeros(1, n_speakers, len(mix))
    weights[0, : mix.shape[1]] = mix.t()
    return weights


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
            "dec_conv_pre__out": decoder.input,
            "dec_conv_post__out": decoder.output,
        }
        for index in range(len(synthesizer.config.decoder.upsample_rates)):
            stage = decoder.get_submodule(f"stages.{index}")
            parts[f"dec_ups{index}__out"] = stage.get_submodule("upsample")
            parts[f"dec_noise_convs{index}__out"] = dict(stage.named_children()).get("source")
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
        named |= {name: made for name, (_, made) in self.values.items() if name.startswith("dec_")}
        return named

    def _keep(self, name: str) -> Any:
        def hook(_: torch.nn.Module, given: tuple[Any, ...], made: Any) -> None:
            self.values[name] = (given, made)

        return hook


def check_training(imported: ImportedGenerator, path: Path) -> Iterator[Result]:
    """One training pass without adversary: outputs, losses, and the norm of every gradient."""
    config = imported.config.model_copy(update={"mask_padding": False})
    synthesizer = dataclasses.replace(imported, config=config).build().eval()
    recorded = load(path)
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
        "lf0": output.log_f0 if config.predict_f0 else None,
        "mel": mel,
        "y_mel": take_slices(mel, output.slice_starts, n_frames),
        "y_hat_mel": mel_spectrogram(output.audio[:, 0], mel_spec(config), config.hop_length),
    }
    for name, ours in made.items():
        if ours is not None and name in recorded:
            yield name, ours, recorded[name]
    numbers = json.loads(path.with_name(f"{path.stem}_grads.json").read_text(encoding="utf-8"))
    norms = {with_old_weight_norm(name): norm for name, norm in numbers["grad_norms"].items()}
    losses = {
        "loss_mel": MEL_WEIGHT * mel_loss(output, spectrogram, config),
        "loss_kl": kl_loss(output),
    }
    if output.predicted_log_f0 is not None:
        losses["loss_lf0"] = f0_loss(output)
    for name, loss in losses.items():
        yield name, loss, torch.tensor(numbers[name])
    torch.stack(list(losses.values())).sum().backward()
    parameters = dict(synthesizer.named_parameters())
    names = generator_names(parameters, config.decoder, "sovits")
    for ours, theirs in names.items():
        gradient = parameters[ours].grad
        norm = torch.zeros(()) if gradient is None else gradient.norm()
        # a shared network goes by the place where it was met first
        copied = theirs.replace("flow.wn.", "flow.flows.0.enc.")
        theirs_norm = norms.get(theirs, norms.get(copied))
        if theirs_norm is None:
            raise ValueError(f"{path.stem}: no gradient of {theirs} was recorded")
        yield f"gradient of {theirs}", norm, torch.tensor(theirs_norm)


# ----------------------------------------------------------------------------- RVC


def check_rvc(folder: Path) -> Iterator[Result]:
    """Outputs of an RVC voice."""
    checkpoints = sorted(folder.glob("*.pth"))
    if not checkpoints:
        raise ValueError("holds neither G_*.pth nor an RVC .pth nor a vocoder's model")
    try:
        imported = import_rvc(checkpoints[-1])
    except ModelError:
        imported = import_rvc(checkpoints[-1], encoder=ANY_ENCODER)
    synthesizer = imported.build().eval()
    for prepared in (False, True):
        if prepared:
            synthesizer.prepare_for_inference()
        for stem, recorded in recordings_of(folder).items():
            made = rvc_outputs(synthesizer, recorded, stem, imported.noise_scale)
            for name in sorted(recorded.keys() - INPUTS | {"pitch"} & recorded.keys()):
                ours = made.get(name)
                if ours is not None or not (prepared or name.startswith("noise")):
                    yield f"{stem} {name}{', prepared' * prepared}", ours, recorded[name]


def rvc_outputs(synthesizer: Synthesizer, given: Arrays, stem: str, noise_scale: float) -> Arrays:
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
            lengths=given.get("lengths"),
            noise_scale=noise_scale,
            noise=noise_of(stem),
            fp32=True,
        )
    seen.remove()
    named = {name.split("__")[-1]: value for name, value in seen.by_recorded_name().items()}
    return {**named, "pitch": coarse_f0(f0), "audio": audio}


# -------------------------------------------------------------------------- vocoder


def check_vocoder(folder: Path) -> Iterator[Result]:
    """Outputs of a stand-alone NSF-HiFiGAN."""
    vocoder = import_nsf_hifigan(folder / "model").eval()
    for prepared in (False, True):
        if prepared:
            vocoder.prepare_for_inference()
        for stem, recorded in recordings_of(folder).items():
            with torch.inference_mode():
                f0, noise = recorded["f0"], noise_of(stem)
                source = vocoder.source(f0, noise=noise_of(stem))
                audio = vocoder.vocode(recorded["mel"], f0, noise=noise, fp32=True)
            if source is not None and not prepared and "har" in recorded:
                yield f"{stem} har", source.samples.transpose(1, 2), recorded["har"]
            for name in recorded.keys() & {"audio", "audio_no_wn"}:
                yield f"{stem} {name}{', prepared' * prepared}", audio, recorded[name]


def load(path: Path) -> Arrays:
    """The arrays of an `.npz` as tensors."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


if __name__ == "__main__":
    sys.exit(main())
