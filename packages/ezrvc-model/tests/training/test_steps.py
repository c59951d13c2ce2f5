"""One step moves both players, each by its own loss alone."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ezrvc_device.precision import precision_for
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.config import DiscriminatorConfig, SynthesizerConfig, TrainConfig
from ezrvc_model.convolution import compute_channels_last
from ezrvc_model.data.batch import Batch
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.pieces import cut, lay_together
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.losses.mel import mel_loss
from ezrvc_model.noise import Noise, TorchNoise
from ezrvc_model.presets import load_preset
from ezrvc_model.synthesizer import synthesizer as synthesizer_module
from ezrvc_model.synthesizer.slicing import take_slices
from ezrvc_model.testing import small_config
from ezrvc_model.training.counts import Counts
from ezrvc_model.training.discriminator_step import discriminator_step
from ezrvc_model.training.fabric import FieldsOf, make_fabric
from ezrvc_model.training.generator_step import generator_step
from ezrvc_model.training.processes import Launch
from ezrvc_model.training.randomness import KeyedNoise
from ezrvc_model.training.state import TrainingState, new_state
from ezrvc_model.training.steps import bands_that_count, imitate, training_step
from ezrvc_model.training.trial import made_up_batch

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


def noise_clip(n_frames: int, seed: int = 0) -> TrainingClip:
    generator = torch.Generator().manual_seed(seed)
    features = UtteranceFeatures(
        content=torch.randn(80, n_frames, generator=generator),
        f0=torch.full((n_frames,), 200.0),
        voiced=torch.ones(n_frames),
        volume=torch.ones(n_frames),
    )
    audio = 0.1 * torch.randn(n_frames * MODEL.hop_length, generator=generator)
    return TrainingClip("audio/ada/1.wav", 0, features, audio)


@pytest.fixture
def batch() -> Batch:
    cuts = [
        cut(noise_clip(n_frames, seed), 0, n_frames, MODEL.frames, MODEL.n_fft, key=seed)
        for seed, n_frames in enumerate((20, 12))
    ]
    return lay_together(cuts, MODEL.hop_length, 20).analyse(MODEL.frames, MODEL.n_fft)


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


READS = ("aten::_local_scalar_dense", "aten::nonzero", "aten::equal")
"""Operations that would wait for a device to bring a value over."""
SENDS = ("aten::lift_fresh",)
"""Those that would send it a number of the host's."""
FREE = ("aten::empty", "aten::new_empty", "aten::empty_like", "aten::detach", *READS, *SENDS)
"""Those that give a device nothing to do; so do views."""


class Operators(TorchDispatchMode):
    """Counts what a device would be asked for, and the host's talk with it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.n_asked = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func.name() in (*READS, *SENDS):
            self.found.append(func.name())
        answers = func._schema.returns
        is_view = any(each.alias_info is not None and not each.alias_info.is_write
                      for each in answers)  # fmt: skip
        self.n_asked += not is_view and func.name().partition(".")[0] not in FREE
        return func(*args, **(kwargs or {}))


def test_a_step_never_waits_for_the_device(state: TrainingState, batch: Batch) -> None:
    """Clipping, norms, noise and optimisers included; lengths are checked on the CPU only.

    Tables that are made once and kept are made in the first step.
    """
    clipped = SETTINGS.model_copy(update={"clip_norm": 1.0})
    training_step(state, batch, MODEL, clipped, KeyedNoise(batch.keys))
    with Operators() as operators:
        training_step(state, batch, MODEL, clipped, KeyedNoise(batch.keys))
    assert operators.found == ["aten::_local_scalar_dense"]  # that check
    with Operators() as operators:
        float(batch.f0.sum())
        torch.tensor([1.0])
    assert operators.found == ["aten::_local_scalar_dense", "aten::lift_fresh"]


def test_a_step_of_the_full_configuration_asks_for_few_operators() -> None:
    """On a fast device a step takes as long as asking for it. so-vits-svc asks for 11,458."""
    tree = load_preset("sovits-44k")
    model = SynthesizerConfig.from_tree(tree["model"])
    small = model.model_copy(
        update={"filter_channels": 8, "hidden_channels": 8, "speaker_dim": 4, "content_dim": 4,
                "inter_channels": 4,
                "decoder": model.decoder.model_copy(update={"upsample_initial_channels": 32})}
    )  # fmt: skip
    settings = TrainConfig.from_tree(
        {**tree["train"], "batch_size": 2, "max_clip_frames": 24, "clip_norm": 1.0}
    ).model_copy(update={"discriminator": DiscriminatorConfig(narrowing=64)})
    cpu = torch.device("cpu")
    state = new_state(make_fabric(cpu, precision_for(cpu)), small, settings)
    batch = made_up_batch(small, settings, cpu)
    training_step(state, batch, small, settings, KeyedNoise(batch.keys))  # optimisers prepare
    with Operators() as operators:
        training_step(state, batch, small, settings, KeyedNoise(batch.keys))
    assert 3000 < operators.n_asked < 3850


def test_padding_and_other_clips_change_no_loss_of_a_clip(state: TrainingState) -> None:
    """The first clip alone, and filled up further: the same losses, by the frames that count."""
    cpu = torch.device("cpu")
    quiet = MODEL.model_copy(update={"dropout": 0.0})
    torch.manual_seed(0)
    state = new_state(make_fabric(cpu, precision_for(cpu)), quiet, SETTINGS)
    weights_before = [weights(each.network) for each in (state.generator, state.discriminator)]
    found = []
    for n_frames in (20, 33):
        for each, before in zip(
            (state.generator, state.discriminator), weights_before, strict=True
        ):
            each.network.load_state_dict(before)
            each.optimizer.state.clear()
        piece = cut(noise_clip(20), 0, 20, MODEL.frames, MODEL.n_fft)
        pieces = lay_together([piece], MODEL.hop_length, n_frames)
        batch = pieces.analyse(MODEL.frames, MODEL.n_fft)
        found.append(training_step(state, batch, quiet, SETTINGS, KeyedNoise(batch.keys)))
    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        assert float(found[1][name]) == pytest.approx(float(value), rel=1e-5), name


def test_bands_above_the_bandwidth_cost_nothing(state: TrainingState, batch: Batch) -> None:
    model = MODEL
    narrow = dataclasses.replace(batch, bandwidth_hz=torch.tensor([3000.0, torch.inf]))
    bands = bands_that_count(narrow, model, SETTINGS)
    assert 0 < bands[0].sum() < bands[1].sum() == model.n_mels
    ignored = SETTINGS.model_copy(update={"mask_above_bandwidth": False})
    assert bands_that_count(narrow, model, ignored).sum() == 2 * model.n_mels
    output = imitate(state, narrow, model, SETTINGS, KeyedNoise(narrow.keys))
    loss = mel_loss(output, narrow.spectrogram, model, bands=bands)
    changed = narrow.spectrogram.clone()
    changed[0, model.n_bins // 2 :] *= 100  # from 6 kHz, above the first clip's bandwidth
    assert torch.equal(mel_loss(output, changed, model, bands=bands), loss)
    changed[1, model.n_bins // 2 :] *= 100
    assert not torch.equal(mel_loss(output, changed, model, bands=bands), loss)


def test_compiling_is_for_cuda() -> None:
    cpu = torch.device("cpu")
    compiled = SETTINGS.model_copy(update={"compile": True})
    with pytest.raises(ModelError, match=r"train\.compile is for CUDA devices, this run is on cpu"):
        new_state(make_fabric(cpu, precision_for(cpu)), MODEL, compiled)


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")
@pytest.mark.parametrize("turned", [False, True], ids=["plain", "channels last"])
def test_compilers_see_each_player_in_one_piece(
    state: TrainingState, batch: Batch, turned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A break in the graph costs minutes, and what lies beside it is not fused."""
    monkeypatch.setattr(synthesizer_module, "draw_starts", drawn_unchecked)
    graphs: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., object]:
        graphs.append(graph)
        return graph.forward

    def played() -> list[torch.Tensor]:
        output = imitate(state, batch, MODEL, SETTINGS, KeyedNoise(batch.keys))
        logits, _ = state.discriminator.run(output.audio.detach())
        return [output.audio, *logits]

    for learner in (state.generator, state.discriminator):
        if turned:
            compute_channels_last(learner.network)
    expected = played()
    for learner in (state.generator, state.discriminator):
        runner = FieldsOf(learner.network)
        learner.run = torch.compile(runner, backend=backend, fullgraph=True)
    for one, other in zip(played(), expected, strict=True):
        torch.testing.assert_close(one, other)
    assert len(graphs) == 2


def drawn_unchecked(lengths: torch.Tensor, slice_length: int, noise: Noise) -> torch.Tensor:
    """As on an accelerator, where nobody looks whether lengths are enough."""
    n_places = lengths - slice_length + 1
    return (noise.uniform(lengths.shape, torch.zeros(())) * n_places).long()


def test_mps_does_not_train_in_several_processes() -> None:
    mps = torch.device("mps")
    with pytest.raises(ModelError, match=r"several processes cannot train on mps.*processes to 1"):
        make_fabric(mps, precision_for(mps), Launch(2, 1))
