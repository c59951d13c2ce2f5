"""Networks that compute channels-last take the very steps of those that do not."""

import dataclasses

import pytest
import torch

from ezrvc_device.precision import Precision, precision_for
from ezrvc_model.config import DiscriminatorConfig, SynthesizerConfig, TrainConfig
from ezrvc_model.convolution import Conv1d, Conv2d, ConvTranspose1d, compute_channels_last
from ezrvc_model.data.batch import Batch
from ezrvc_model.testing import small_config
from ezrvc_model.training import state as state_module
from ezrvc_model.training.fabric import computes_in_half, make_fabric
from ezrvc_model.training.optimizer_tensors import optimizer_tensors
from ezrvc_model.training.randomness import KeyedNoise
from ezrvc_model.training.state import TrainingState, new_state
from ezrvc_model.training.steps import training_step
from ezrvc_model.training.trial import made_up_batch

CPU = torch.device("cpu")
BF16 = Precision("bf16", torch.bfloat16, "bf16-mixed", "cpu")
SETTINGS = TrainConfig(
    batch_size=2,
    segment_frames=8,
    max_clip_frames=24,
    learning_rate=1e-9,  # the second player's gradients are those of the first one's old weights
    discriminator=DiscriminatorConfig(periods=(2, 3), resolutions=((256, 64),), narrowing=4),
)


def model(flow: str = "residual") -> SynthesizerConfig:
    """A small one whose numbers of channels are multiples of 8, without dropout."""
    small = small_config()
    tree = small.to_tree() | {"dropout": 0.0, "flow": flow}
    tree["decoder"] = {**tree["decoder"], "upsample_initial_channels": 64}
    return SynthesizerConfig.from_tree(tree)


def fresh_state(config: SynthesizerConfig, dtype: torch.dtype, *, turned: bool) -> TrainingState:
    torch.manual_seed(0)
    state = new_state(make_fabric(CPU, precision_for(CPU)), config, SETTINGS)
    for learner in (state.generator, state.discriminator):
        learner.network.to(dtype)
        if turned:
            compute_channels_last(learner.network)
    return state


def batch_of(config: SynthesizerConfig, dtype: torch.dtype) -> Batch:
    torch.manual_seed(1)
    batch = made_up_batch(config, SETTINGS, CPU)
    values = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    wide = {
        name: each.to(dtype) if each.is_floating_point() else each for name, each in values.items()
    }
    return Batch(**wide)


@pytest.mark.parametrize("flow", ["residual", "transformer"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-3), (torch.float64, 1e-6)], ids=str
)
def test_losses_and_all_gradients_stay(flow: str, dtype: torch.dtype, tolerance: float) -> None:
    """Losses are taken in single precision, so gradients agree to that at the best.

    What is added to the tolerance is for gradients that are 0, such as that of a bias of keys.
    """
    config = model(flow)
    batch = batch_of(config, dtype)
    states = [fresh_state(config, dtype, turned=turned) for turned in (False, True)]
    plain, turned = (
        training_step(state, batch, config, SETTINGS, KeyedNoise(batch.keys)) for state in states
    )
    for name, value in plain.items():
        torch.testing.assert_close(turned[name], value, rtol=tolerance, atol=0, msg=name)
    for player in ("generator", "discriminator"):
        networks = [getattr(state, player).network for state in states]
        named = [dict(network.named_parameters()) for network in networks]
        assert list(named[0]) == list(named[1])
        for name, parameter in named[0].items():
            found = named[1][name]
            assert (found.grad is None) == (parameter.grad is None), name
            if parameter.grad is not None and found.grad is not None:
                error = (found.grad - parameter.grad).norm()
                assert error <= tolerance * parameter.grad.norm() + 1e-6, name
                assert found.grad.is_contiguous(), name


def test_what_is_saved_stays() -> None:
    config = model()
    batch = batch_of(config, torch.float32)
    plain, turned = (fresh_state(config, torch.float32, turned=each) for each in (False, True))
    for state in (plain, turned):
        training_step(state, batch, config, SETTINGS, KeyedNoise(batch.keys))
    for player in ("generator", "discriminator"):
        one, two = getattr(plain, player), getattr(turned, player)
        for of in (
            lambda each: each.network.state_dict(),
            lambda each: optimizer_tensors(each.optimizer, each.network),
        ):
            expected, found = of(one), of(two)
            assert list(found) == list(expected)
            for name, tensor in expected.items():
                assert found[name].shape == tensor.shape, name
                assert found[name].stride() == tensor.stride(), name
    # what a run without it saved is read by one with it
    turned.generator.network.load_state_dict(plain.generator.network.state_dict())


TURNED_ON_THE_WAY_IN = (
    "content_embedding.projection",  # features
    "posterior_encoder.wavenet.convolutions.0",  # a spectrogram of 513 bins lies before it
    "flow.couplings.",  # one half of the channels
    "decoder.input",  # slices
    "members.",  # discriminators: behind their first layers, which see one channel
)


def test_the_signal_lies_channels_last_within_both_players() -> None:
    """Every turned layer gives that order, and nearly all of them find it."""
    config = model()
    state = fresh_state(config, torch.float32, turned=True)
    found: dict[str, bool] = {}
    given: dict[str, bool] = {}

    def watch(name: str, module: torch.nn.Module) -> None:
        def hook(_: object, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
            found[name] = inputs[0].stride(1) == 1
            given[name] = output.stride(1) == 1

        module.register_forward_hook(hook)

    for learner in (state.generator, state.discriminator):
        for name, module in learner.network.named_modules():
            if isinstance(module, Conv1d | ConvTranspose1d | Conv2d) and module.channels_last:
                watch(name, module)
    batch = batch_of(config, torch.float32)
    training_step(state, batch, config, SETTINGS, KeyedNoise(batch.keys))
    assert len(given) > 50
    assert all(given.values())
    others = [name for name, right in found.items() if not right]
    assert len(others) < len(found) / 5
    assert all(name.startswith(TURNED_ON_THE_WAY_IN) for name in others)


@pytest.mark.parametrize(("precision", "half"), [(BF16, True), (precision_for(CPU), False)])
def test_half_precision_is_known(precision: Precision, half: bool) -> None:
    assert computes_in_half(make_fabric(CPU, precision)) is half


def test_processors_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked for it in half precision only, and only on CUDA."""
    turned: list[object] = []
    monkeypatch.setattr(state_module, "compute_channels_last", turned.append)
    new_state(make_fabric(CPU, BF16), model(), SETTINGS)
    assert not turned
