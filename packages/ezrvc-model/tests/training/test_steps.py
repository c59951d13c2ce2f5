"""One step moves both players, each by its own loss alone."""

import pytest
import torch
from torch import nn

from ezrvc_device.precision import precision_for
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.data.batch import Batch
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.pieces import cut, lay_together
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.noise import TorchNoise
from ezrvc_model.synthesizer.slicing import take_slices
from ezrvc_model.testing import small_config
from ezrvc_model.training.counts import Counts
from ezrvc_model.training.discriminator_step import discriminator_step
from ezrvc_model.training.fabric import make_fabric
from ezrvc_model.training.generator_step import generator_step
from ezrvc_model.training.state import TrainingState, new_state
from ezrvc_model.training.steps import bands_that_count, imitate, training_step

MODEL = small_config()
SETTINGS = TrainConfig(
    segment_frames=8,
    learning_rate=1e-3,
    discriminator=DiscriminatorConfig(periods=(2,), narrowing=64),
)


@pytest.fixture
def state() -> TrainingState:
    torch.manual_seed(0)
    cpu = torch.device("cpu")
    return new_state(make_fabric(cpu, precision_for(cpu)), MODEL, SETTINGS)


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    clips = []
    for n_frames in (20, 12):
        features = UtteranceFeatures(
            content=torch.randn(80, n_frames, generator=generator),
            f0=torch.full((n_frames,), 200.0),
            voiced=torch.ones(n_frames),
            volume=torch.ones(n_frames),
        )
        audio = 0.1 * torch.randn(n_frames * MODEL.hop_length, generator=generator)
        clip = TrainingClip("audio/ada/1.wav", 0, features, audio)
        clips.append(cut(clip, 0, n_frames, MODEL.frames, MODEL.n_fft))
    pieces = lay_together(clips, MODEL.hop_length, 20)
    return pieces.analyse(MODEL.frames, MODEL.n_fft)


def weights(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def moved(network: nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(tensor, before[name]) for name, tensor in weights(network).items())


def test_generator_step_neither_moves_nor_burdens_the_discriminators(
    state: TrainingState, batch: Batch
) -> None:
    output = imitate(state, batch, MODEL, SETTINGS, TorchNoise.seeded(0))
    n_samples = SETTINGS.segment_frames * MODEL.hop_length
    real = take_slices(batch.audio, output.slice_starts * MODEL.hop_length, n_samples)
    judge, before = state.discriminator.network, weights(state.discriminator.network)
    maker, maker_before = state.synthesizer, weights(state.synthesizer)
    bands = bands_that_count(batch, MODEL, SETTINGS)
    counts = Counts.over_processes(state.fabric, output.mask, bands)
    metrics = generator_step(state, batch, real, output, MODEL, SETTINGS, bands, counts)
    assert not moved(judge, before)
    assert all(parameter.grad is None for parameter in judge.parameters())
    assert all(parameter.requires_grad for parameter in judge.parameters())
    assert moved(maker, maker_before)
    weighted = 45 * metrics["generator/mel"] + metrics["generator/kl"]
    for name in ("adversarial", "feature_matching", "f0"):
        weighted = weighted + metrics[f"generator/{name}"]
    torch.testing.assert_close(metrics["generator/total"], weighted)


def test_discriminator_step_leaves_the_generator_alone(state: TrainingState) -> None:
    before = weights(state.synthesizer)
    real, fake = torch.randn(2, 2, 1, 2048, generator=torch.Generator().manual_seed(0))
    losses = [
        float(discriminator_step(state, real, fake, SETTINGS)["discriminator/total"])
        for _ in range(30)
    ]
    assert losses[-1] < losses[0]
    assert not moved(state.synthesizer, before)
    assert all(parameter.grad is None for parameter in state.synthesizer.parameters())


def test_gradients_are_shortened_to_the_norm_asked_for(state: TrainingState, batch: Batch) -> None:
    clipped = SETTINGS.model_copy(update={"clip_norm": 1e-3})
    metrics = training_step(state, batch, MODEL, clipped, TorchNoise.seeded(0))
    assert metrics["generator/gradient_norm"] > 1e-3  # as measured before
    gradients = [p.grad for p in state.synthesizer.parameters() if p.grad is not None]
    assert torch.nn.utils.get_total_norm(gradients) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("narrowing", [1, 4, 16, 64, 10_000])
def test_narrower_discriminators_keep_their_contract(narrowing: int) -> None:
    network = Discriminator((2, 3), ((64, 16),), narrowing=narrowing)
    judged = network(torch.zeros(2, 1, 512))
    assert len(judged.logits) == 4
    widest = max(maps.shape[1] for maps in judged.feature_maps[1])
    assert widest == max(1024 // narrowing, 1)
