"""Small voices for tests: the real network at a size that runs in milliseconds, untrained."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ezrvc_features.config import FeatureConfig
from ezrvc_features.spectrogram import NSF_HIFIGAN_MEL
from ezrvc_model.config import DecoderConfig, SynthesizerConfig
from ezrvc_model.interop.names import generator_names
from ezrvc_model.interop.sovits_export import export_sovits
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.vocoders.mel_vocoder import HiFiGANVocoder
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import TrainingFacts, VoiceCard


def small_config(
    *, sample_rate: int = 24000, n_speakers: int = 1, predict_f0: bool = True
) -> SynthesizerConfig:
    """A network of a few thousand parameters for `mel` content; 256 samples a frame."""
    return SynthesizerConfig(
        sample_rate=sample_rate,
        n_fft=1024,
        content_dim=80,
        n_speakers=n_speakers,
        speaker_dim=8,
        inter_channels=16,
        hidden_channels=16,
        filter_channels=32,
        n_layers=1,
        posterior_layers=1,
        n_couplings=2,
        flow_layers=1,
        predict_f0=predict_f0,
        decoder=DecoderConfig(
            upsample_rates=(8, 8, 4),
            upsample_kernel_sizes=(16, 16, 8),
            upsample_initial_channels=32,
            resblock_kernel_sizes=(3,),
            resblock_dilations=((1, 3),),
            n_harmonics=4,
        ),
    )


def untrained_voice(
    speakers: Sequence[str] = ("ada",),
    *,
    sample_rate: int = 24000,
    predict_f0: bool = True,
    seed: int = 0,
) -> VoiceModel:
    """A small voice with random weights that sounds, though not like anybody."""
    config = small_config(sample_rate=sample_rate, n_speakers=len(speakers), predict_f0=predict_f0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = Synthesizer(config)
        _stir(generator)
    return VoiceModel(
        config=config,
        generator=generator,
        speakers={name: row for row, name in enumerate(speakers)},
        features=FeatureConfig(encoder="mel"),
        card=VoiceCard(
            name="untrained",
            training=TrainingFacts(steps=0, untrained=True, note="untrained, for tests"),
        ),
    )


def save_untrained_voice(
    folder: Path, speakers: Sequence[str] = ("ada",), *, sample_rate: int = 24000, seed: int = 0
) -> Path:
    """Save a small untrained voice; returns its folder."""
    untrained_voice(speakers, sample_rate=sample_rate, seed=seed).save(folder)
    return folder


def save_sovits_voice(
    folder: Path, speakers: Sequence[str] = ("ada",), *, encoder: str, content_dim: int
) -> Path:
    """Write a small untrained voice as so-vits-svc 4.1 does; returns the checkpoint's path."""
    changes = {"content_dim": content_dim, "posterior_layers": 16, "pitch_overflow": "zero"}
    generator = _foreign(44100, len(speakers), {**changes, "n_couplings": 4}, {"n_harmonics": 8})
    rows = {name: row for row, name in enumerate(speakers)}
    state = generator.state_dict()
    return export_sovits(folder, generator.config, state, rows, encoder=encoder, step=800)


def save_rvc_voice(path: Path, *, has_f0: bool = True) -> Path:
    """Write a small untrained voice as RVC v2 does; returns its path."""
    changes = {
        "n_mels": 125,
        "content_dim": 768,
        "content_kernel_size": 1,
        "n_couplings": 4,
        "flow_layers": 3,
        "posterior_layers": 16,
        "dropout": 0.0,
        "attention_window": 10,
        "voiced_embedding": False,
        "scaled_embedding": True,
        "predict_f0": False,
        "pitch_embedding": has_f0,
    }
    ends = {"n_harmonics": 0, "normalised_ends": False, "output_bias": False}
    ends["kind"] = "nsf-hifigan" if has_f0 else "hifigan"
    generator = _foreign(40000, 1, changes, ends)
    write_rvc_checkpoint(path, generator, version="v2")
    return path


def write_rvc_checkpoint(path: Path, generator: Synthesizer, **changes: Any) -> None:
    """Write a network as the small `.pth` that RVC exports.

    Args:
        path: of the file.
        generator: in its training form, of a shape that RVC knows.
        changes: keys of the file that are to be otherwise.
    """
    config, decoder = generator.config, generator.config.decoder
    state = {
        name: tensor
        for name, tensor in generator.state_dict().items()
        if not name.startswith("posterior_encoder.")
    }
    names = generator_names(state, decoder, "rvc")
    weight = {names[name]: tensor for name, tensor in state.items()}
    weight["enc_p.emb_phone.weight"] = weight["enc_p.emb_phone.weight"][:, :, 0]
    content = {
        "weight": weight,
        "config": [
            config.n_bins,
            32,
            config.inter_channels,
            config.hidden_channels,
            config.filter_channels,
            config.n_heads,
            config.n_layers,
            config.kernel_size,
            0,
            "1",
            list(decoder.resblock_kernel_sizes),
            [list(row) for row in decoder.resblock_dilations],
            list(decoder.upsample_rates),
            decoder.upsample_initial_channels,
            list(decoder.upsample_kernel_sizes),
            109,
            config.speaker_dim,
            config.sample_rate,
        ],
        "info": "20epoch",
        "sr": "8k",
        "f0": int(config.pitch_embedding),
    }
    torch.save(content | changes, path)


def save_nsf_hifigan(folder: Path) -> Path:
    """Write an untrained NSF-HiFiGAN as openvpi does; returns the folder.

    It has the layers and the mel of the published one at a sixteenth of its width.
    """
    decoder = DecoderConfig(
        upsample_initial_channels=32, resblock_dilations=((1, 3, 5), (1, 3, 5), (1, 3, 5))
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = HiFiGANVocoder(decoder, NSF_HIFIGAN_MEL).state_dict()
    names = generator_names(state, decoder, "sovits")
    generator = {names[name].removeprefix("dec."): tensor for name, tensor in state.items()}
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"generator": generator}, folder / "model")
    tree = {
        "resblock": "1",
        "upsample_rates": decoder.upsample_rates,
        "upsample_kernel_sizes": decoder.upsample_kernel_sizes,
        "upsample_initial_channel": decoder.upsample_initial_channels,
        "resblock_kernel_sizes": decoder.resblock_kernel_sizes,
        "resblock_dilation_sizes": decoder.resblock_dilations,
        "sampling_rate": NSF_HIFIGAN_MEL.sample_rate,
        "num_mels": NSF_HIFIGAN_MEL.n_mels,
        "n_fft": NSF_HIFIGAN_MEL.n_fft,
        "win_size": NSF_HIFIGAN_MEL.n_fft,
        "hop_size": decoder.hop_length,
        "fmin": NSF_HIFIGAN_MEL.fmin_hz,
        "fmax": NSF_HIFIGAN_MEL.fmax_hz,
    }
    (folder / "config.json").write_text(json.dumps(tree), encoding="utf-8")
    return folder


def _foreign(
    sample_rate: int, n_speakers: int, changes: dict[str, Any], decoder: dict[str, Any]
) -> Synthesizer:
    """A small network of a shape that other programs know."""
    tree = small_config(sample_rate=sample_rate, n_speakers=n_speakers).to_tree() | changes
    tree["decoder"] |= decoder
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = Synthesizer(SynthesizerConfig.from_tree(tree))
        _stir(generator)
    return generator


@torch.no_grad()
def _stir(generator: Synthesizer) -> None:
    """Give layers that start at zero something to do, as training would."""
    for parameter in generator.parameters():
        if not parameter.any():
            parameter.normal_(std=0.05)
