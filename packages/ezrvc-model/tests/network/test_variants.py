"""Every variant runs forward and backward, and sounds the same prepared as unprepared."""

import pytest
import torch

from ezrvc_device.errors import ConfigurationError
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.losses.f0 import f0_loss
from ezrvc_model.losses.kl import kl_loss
from ezrvc_model.losses.mel import mel_loss
from ezrvc_model.noise import TorchNoise, ZeroNoise


def test_a_training_pass_reaches_every_parameter(
    variant, make_network, make_inputs, make_spectrogram
):
    network = make_network(variant).train()
    spectrogram = make_spectrogram(variant)
    output = network(
        **make_inputs(variant),
        spectrogram=spectrogram,
        lengths=torch.tensor([24, 19]),
        segment_frames=9,
        noise=TorchNoise.seeded(3),
    )
    assert output.audio.shape == (2, 1, 9 * variant.hop_length)
    assert bool(
        ((output.slice_starts >= 0) & (output.slice_starts <= torch.tensor([15, 10]))).all()
    )
    loss = mel_loss(output, spectrogram, variant) + kl_loss(output)
    if variant.predict_f0:
        loss = loss + f0_loss(output)
    loss.backward()
    without = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.isfinite().all()
    ]
    assert without == []


def test_prepared_gives_the_same_sound_with_fewer_tensors(variant, make_network, make_inputs):
    network, inputs = make_network(variant), make_inputs(variant)
    with torch.no_grad():
        before = network.infer(**inputs, noise=TorchNoise.seeded(1))
        n_tensors = len(network.state_dict())
        assert network.prepare_for_inference() is network
        after = network.infer(**inputs, noise=TorchNoise.seeded(1), fp32=True)
    assert before.shape == (2, 1, 24 * variant.hop_length)
    assert before.std() > 1e-3  # a silent network would prove nothing
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)
    assert len(network.state_dict()) < n_tensors
    assert not any("posterior" in name or "original" in name for name in network.state_dict())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_infer_is_its_parts(variant, make_network, make_inputs):
    network, inputs = make_network(variant), make_inputs(variant)
    with torch.no_grad():
        latent = network.encode(**inputs, noise_scale=0.7, noise=ZeroNoise())
        source = network.source(inputs["f0"], noise=ZeroNoise())
        parts = network.decode(latent, source, inputs["speaker"])
        whole = network.infer(**inputs, noise_scale=0.7, noise=ZeroNoise())
    assert (source is None) == (not variant.decoder.has_source)
    assert torch.equal(parts, whole)


def test_predicted_f0_replaces_the_given_one(make_network, make_inputs, variant):
    network, inputs = make_network(variant), make_inputs(variant)
    if not variant.predict_f0:
        with pytest.raises(ModelError, match="trained without an F0 decoder"):
            network.predict_f0(**inputs)
        return
    with torch.no_grad():
        predicted = network.predict_f0(**inputs)
        asked_for = network.infer(**inputs, predict_f0=True, noise=ZeroNoise())
        given = network.infer(**(inputs | {"f0": predicted}), noise=ZeroNoise())
    assert predicted.shape == inputs["f0"].shape
    assert torch.equal(asked_for, given)


def test_predicted_f0_follows_the_shape_of_the_melody_and_not_its_key(make_network, make_inputs):
    config = SynthesizerConfig.from_tree(
        {"hidden_channels": 8, "content_dim": 12, "n_layers": 1, "predict_f0": True}
    )
    inputs = make_inputs(config, batch=1)
    inputs["voiced"] = torch.ones_like(inputs["voiced"])
    network = make_network(config)
    steps = 2595 * torch.log10(1 + inputs["f0"] / 700) + 40  # the whole melody a bit higher
    higher = 700 * (10 ** (steps / 2595) - 1)
    with torch.no_grad():
        here = network.predict_f0(**inputs)
        there = network.predict_f0(**(inputs | {"f0": higher}))
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-2)


def test_a_prepared_network_cannot_be_trained(make_network, make_inputs, make_spectrogram, variant):
    network = make_network(variant).prepare_for_inference()
    with pytest.raises(ModelError, match="prepared for conversion"):
        network(
            **make_inputs(variant),
            spectrogram=make_spectrogram(variant),
            lengths=torch.tensor([24, 24]),
            segment_frames=8,
            noise=ZeroNoise(),
        )


def test_missing_volume_and_too_short_clips_are_named(make_network, make_inputs, make_spectrogram):
    config = SynthesizerConfig.from_tree({"content_dim": 12, "volume_embedding": True})
    network, inputs = make_network(config), make_inputs(config)
    with pytest.raises(ModelError, match="trained with volume"):
        network.encode(**(inputs | {"volume": None}), noise=ZeroNoise())
    with pytest.raises(ModelError, match=r"7 frames is shorter than the slice of 8"):
        network(
            **inputs,
            spectrogram=make_spectrogram(config),
            lengths=torch.tensor([24, 7]),
            segment_frames=8,
            noise=ZeroNoise(),
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_channels": 9}, "multiple of n_heads"),
        ({"inter_channels": 7}, "inter_channels must be even"),
        ({"pitch_embedding": False}, "predict_f0 needs pitch_embedding"),
        ({"decoder": {"upsample_rates": [8, 8]}}, "equally many"),
        ({"decoder": {"upsample_kernel_sizes": [15, 16, 4, 4, 4]}}, "longer by an even number"),
        ({"decoder": {"resblock_kernel_sizes": [3, 7, 10]}}, "must be odd"),
        ({"decoder": {"upsample_initial_channels": 31}}, "cannot be halved 5 times"),
        ({"sample_rate": 12}, "greater than or equal to 8000"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        SynthesizerConfig.from_tree(changes)
