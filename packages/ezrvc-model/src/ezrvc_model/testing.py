"""Small voices for tests: the real network at a size that runs in milliseconds, untrained."""

from collections.abc import Sequence
from pathlib import Path

import torch

from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DecoderConfig, SynthesizerConfig
from ezrvc_model.synthesizer.synthesizer import Synthesizer
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


@torch.no_grad()
def _stir(generator: Synthesizer) -> None:
    """Give layers that start at zero something to do, as training would."""
    for parameter in generator.parameters():
        if not parameter.any():
            parameter.normal_(std=0.05)
