import torch

from ezrvc_model.noise import ZeroNoise
from ezrvc_model.synthesizer.gaussian import Gaussian


def test_the_flow_backwards_undoes_the_flow(variant, make_network):
    flow = make_network(variant).flow
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, variant.inter_channels, 30, generator=generator)
    speaker = torch.randn(2, variant.speaker_dim, 1, generator=generator)
    mask = torch.ones(2, 1, 30)
    with torch.no_grad():
        mapped = flow(x, mask, speaker)
        back = flow(mapped, mask, speaker, reverse=True)
    assert (mapped - x).abs().max() > 0.1
    torch.testing.assert_close(back, x, atol=1e-5, rtol=0)


def test_a_sample_is_mean_plus_scaled_deviation():
    class Ones(ZeroNoise):
        def normal(self, shape, like):
            return torch.ones(tuple(shape))

    prior = Gaussian(torch.tensor([[[1.0]]]), torch.tensor([[[2.0]]]).log())
    assert prior.sample(Ones(), 0.5).item() == 2.0
    assert prior.sample(ZeroNoise(), 0.5).item() == 1.0


def test_a_mix_of_one_speaker_is_that_speaker(variant, make_network, make_inputs):
    network, inputs = make_network(variant), make_inputs(variant)
    weights = torch.nn.functional.one_hot(inputs["speaker"], variant.n_speakers).float()
    by_frame = weights.unsqueeze(2).expand(-1, -1, 24)
    with torch.no_grad():
        rows, mixed, curves = (
            network.infer(**(inputs | {"speaker": speaker}), noise=ZeroNoise())
            for speaker in (inputs["speaker"], weights, by_frame)
        )
    torch.testing.assert_close(mixed, rows, atol=1e-5, rtol=0)
    torch.testing.assert_close(curves, rows, atol=1e-5, rtol=0)


def test_mixing_is_linear_in_the_speaker_vectors(variant, make_network):
    network = make_network(variant)
    table = network.speaker_embedding.table.weight
    mixed = network.embed_speaker(torch.tensor([[0.25, 0.75, 0.0]]))
    torch.testing.assert_close(mixed[0, :, 0], 0.25 * table[0] + 0.75 * table[1])
