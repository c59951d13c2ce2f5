"""What padding holds, and whether there is any, never changes the valid part."""

import torch

from ezrvc_model.noise import TorchNoise, ZeroNoise

SHORT = 15
CURVES = ("z", "z_p", "m_p", "logs_p", "m_q", "logs_q")


def test_training_latents_are_those_of_the_clip_alone(
    variant, make_network, make_inputs, make_spectrogram
):
    network, inputs, spectrogram = (
        make_network(variant),
        make_inputs(variant),
        make_spectrogram(variant),
    )
    padded = network(
        **inputs,
        spectrogram=spectrogram,
        lengths=torch.tensor([24, SHORT]),
        segment_frames=8,
        noise=ZeroNoise(),
    )
    alone = network(
        **{
            name: value[1:, ..., :SHORT] if name != "speaker" else value[1:]
            for name, value in inputs.items()
        },
        spectrogram=spectrogram[1:, :, :SHORT],
        lengths=torch.tensor([SHORT]),
        segment_frames=8,
        noise=ZeroNoise(),
    )
    for name in CURVES:
        whole = getattr(padded, name)[1]
        torch.testing.assert_close(whole[:, :SHORT], getattr(alone, name)[0], atol=2e-5, rtol=1e-5)
        assert not whole[:, SHORT:].any(), name
    torch.testing.assert_close(padded.audio[1], alone.audio[0], atol=2e-5, rtol=1e-5)
    if variant.predict_f0:
        torch.testing.assert_close(
            padded.predicted_log_f0[1, :SHORT], alone.predicted_log_f0[0], atol=2e-5, rtol=1e-5
        )


def test_what_training_makes_the_way_of_conversion_is_the_conversion(
    variant, make_network, make_inputs, make_spectrogram
):
    network, inputs = make_network(variant), make_inputs(variant)

    def train(**how):
        return network(
            **inputs,
            spectrogram=make_spectrogram(variant),
            lengths=torch.tensor([24, 24]),
            segment_frames=24,
            **how,
        )

    trained = train(noise=ZeroNoise(), convert=True)
    with torch.no_grad():
        converted = network.infer(**inputs, noise=ZeroNoise())
    torch.testing.assert_close(trained.converted, converted, atol=2e-5, rtol=1e-5)
    # and all else is as it would be without
    plain = train(noise=TorchNoise.seeded(0))
    both = train(noise=TorchNoise.seeded(0), convert=True)
    assert plain.converted is None
    assert torch.equal(plain.audio, both.audio)
    assert not torch.equal(both.audio, both.converted)


def test_a_padded_batch_converts_as_its_items_do(variant, make_network, make_inputs):
    network, inputs = make_network(variant), make_inputs(variant)
    alone = {
        name: value[1:, ..., :SHORT] if name != "speaker" else value[1:]
        for name, value in inputs.items()
    }
    with torch.no_grad():
        padded = network.encode(**inputs, noise=ZeroNoise(), lengths=torch.tensor([24, SHORT]))
        single = network.encode(**alone, noise=ZeroNoise())
    torch.testing.assert_close(padded[1:, :, :SHORT], single, atol=2e-5, rtol=1e-5)


def test_so_vits_reads_padding_only_where_asked_to(make_network, make_inputs, variant):
    if not variant.predict_f0:
        return
    leaky = make_network(variant.model_copy(update={"mask_padding": False}))
    inputs = make_inputs(variant)
    other = {**inputs, "content": inputs["content"].clone()}
    other["content"][1, :, SHORT:] += 1
    lengths = torch.tensor([24, SHORT])
    with torch.no_grad():
        first, second = (
            leaky.encode(**given, noise=ZeroNoise(), lengths=lengths) for given in (inputs, other)
        )
    assert not torch.equal(first[1, :, :SHORT], second[1, :, :SHORT])
