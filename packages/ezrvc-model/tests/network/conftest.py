"""Tiny networks of every variant, with weights that do something, and input for them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ezrvc_model.config import DecoderConfig, SynthesizerConfig
from ezrvc_model.synthesizer.synthesizer import Synthesizer

torch.set_num_threads(1)  # more only get in each other's way in networks of this size

TINY_DECODER = DecoderConfig(
    upsample_rates=(4, 4, 2),
    upsample_kernel_sizes=(8, 8, 4),
    upsample_initial_channels=16,
    resblock_kernel_sizes=(3, 5),
    resblock_dilations=((1, 3), (1, 2)),
)
TINY = SynthesizerConfig(
    sample_rate=8000,
    n_fft=128,
    n_mels=20,
    content_dim=12,
    n_speakers=3,
    speaker_dim=6,
    inter_channels=8,
    hidden_channels=8,
    filter_channels=16,
    n_layers=2,
    posterior_layers=2,
    flow_layers=2,
    decoder=TINY_DECODER,
)


def _tiny(decoder: dict[str, Any] | None = None, **changes: Any) -> SynthesizerConfig:
    tree = TINY.to_tree() | changes
    tree["decoder"] = TINY_DECODER.to_tree() | (decoder or {})
    return SynthesizerConfig.from_tree(tree)


_RVC = {
    "content_kernel_size": 1,
    "attention_window": 10,
    "voiced_embedding": False,
    "scaled_embedding": True,
    "predict_f0": False,
}
_RVC_DECODER = {"n_harmonics": 0, "normalised_ends": False, "output_bias": False}
VARIANTS = {
    "plain": TINY,
    "volume": _tiny(volume_embedding=True),
    "given F0": _tiny(predict_f0=False),
    "depthwise": _tiny(depthwise=True),
    "shared flow": _tiny(share_flow=True),
    "transformer flow": _tiny(flow="transformer", n_couplings=3),
    "shared transformer flow": _tiny(flow="transformer", share_flow=True),
    "snake": _tiny({"kind": "nsf-snake-hifigan"}),
    "snake without source": _tiny({"kind": "snake-hifigan"}),
    "unpaired convolutions": _tiny({"paired_convolutions": False}),
    "uneven halves": _tiny({"upsample_initial_channels": 22}),  # 11, 5 and 2 channels
    "odd rates": _tiny({"upsample_rates": (3, 5), "upsample_kernel_sizes": (7, 9)}),
    "rvc": _tiny(_RVC_DECODER, **_RVC),
    "rvc without F0": _tiny(_RVC_DECODER | {"kind": "hifigan"}, pitch_embedding=False, **_RVC),
}

Inputs = dict[str, Any]


@pytest.fixture(params=list(VARIANTS.values()), ids=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> SynthesizerConfig:
    return request.param


@pytest.fixture
def variants() -> dict[str, SynthesizerConfig]:
    return VARIANTS


DECODERS = (
    "plain",
    "snake",
    "snake without source",
    "unpaired convolutions",
    "uneven halves",
    "odd rates",
    "rvc",
)


@pytest.fixture(params=DECODERS)
def decoder_variant(request: pytest.FixtureRequest) -> SynthesizerConfig:
    """One variant of each kind of decoder."""
    return VARIANTS[request.param]


@pytest.fixture
def make_network() -> Callable[[SynthesizerConfig], Synthesizer]:
    """Builds a network whose flow does something, as after training."""

    def make(config: SynthesizerConfig) -> Synthesizer:
        with torch.random.fork_rng():
            torch.manual_seed(5)
            network = Synthesizer(config)
            for name, parameter in network.flow.named_parameters():
                if name.endswith("output.weight"):
                    torch.nn.init.normal_(parameter, std=0.5)
        return network.eval()

    return make


@pytest.fixture
def make_inputs() -> Callable[..., Inputs]:
    """Makes what `encode` and `infer` take, for a batch of clips."""

    def make(config: SynthesizerConfig, n_frames: int = 24, batch: int = 2) -> Inputs:
        generator = torch.Generator().manual_seed(7)
        voiced = (torch.rand(batch, n_frames, generator=generator) > 0.3).float()
        f0 = 80 + 300 * torch.rand(batch, n_frames, generator=generator)
        inputs: Inputs = {
            "content": torch.randn(batch, config.content_dim, n_frames, generator=generator),
            "f0": f0 * voiced if not config.voiced_embedding else f0,
            "voiced": voiced,
            "speaker": torch.arange(batch) % config.n_speakers,
        }
        if config.volume_embedding:
            inputs["volume"] = torch.rand(batch, n_frames, generator=generator)
        return inputs

    return make


@pytest.fixture
def make_spectrogram() -> Callable[..., torch.Tensor]:
    """Makes linear magnitudes for a batch of clips."""

    def make(config: SynthesizerConfig, n_frames: int = 24, batch: int = 2) -> torch.Tensor:
        generator = torch.Generator().manual_seed(8)
        return torch.rand(batch, config.n_bins, n_frames, generator=generator)

    return make
