import pytest
import torch

from ezrvc_features.content.soft_units_network import SoftUnitsNetwork, log_mel


@pytest.fixture(scope="module")
def network() -> SoftUnitsNetwork:
    torch.manual_seed(0)
    return SoftUnitsNetwork(dim=8, width=32, n_layers=3, n_heads=2).eval().requires_grad_(False)


def test_two_columns_make_a_unit_of_length_one(network: SoftUnitsNetwork) -> None:
    for n_columns, n_frames in ((2, 1), (3, 1), (40, 20), (41, 20)):
        units = network(torch.randn(2, 80, n_columns))
        assert units.shape == (2, 8, n_frames)
        assert units.square().mean(dim=1) == pytest.approx(torch.ones(2, n_frames), abs=1e-4)


@pytest.mark.parametrize("chunk", [4, 5])
def test_in_chunks_nothing_later_is_seen(network: SoftUnitsNetwork, chunk: int) -> None:
    """Units up to a chunk's end keep their values whatever comes after it, but for the last one.

    The two convolutions give the last unit two columns from beyond its own.
    """
    mel = torch.randn(1, 80, 2 * 5 * chunk)
    whole = network(mel, chunk_frames=chunk)
    for end in range(chunk, 5 * chunk, chunk):
        other = mel.clone()
        other[:, :, 2 * end + 1 :] = torch.randn_like(other[:, :, 2 * end + 1 :])
        assert torch.allclose(network(other, chunk_frames=chunk)[..., :end], whole[..., :end])
        assert not torch.allclose(network(other)[..., :end], network(mel)[..., :end], atol=1e-3)


def test_in_chunks_the_far_past_is_forgotten(network: SoftUnitsNetwork) -> None:
    """Three layers of one past chunk each reach three chunks back, and the convolutions a frame."""
    chunk, reach = 4, 4
    mel = torch.randn(1, 80, 2 * 12 * chunk)
    other = mel.clone()
    other[:, :, : 2 * 4 * chunk] = 0.0
    first = (4 + reach) * chunk
    one, two = (network(x, chunk_frames=chunk, past_chunks=1) for x in (mel, other))
    assert torch.allclose(one[..., first:], two[..., first:], atol=1e-6)
    assert not torch.allclose(one[..., : first - chunk], two[..., : first - chunk], atol=1e-3)


def test_padding_changes_nothing(network: SoftUnitsNetwork) -> None:
    short, long = torch.randn(1, 80, 31), torch.randn(1, 80, 90)
    padded = torch.cat([torch.nn.functional.pad(short, (0, 59)), long])
    units = network(padded, lengths=torch.tensor([15, 45]))
    assert torch.allclose(units[:1, :, :15], network(short), atol=1e-5)
    assert torch.allclose(units[1:], network(long), atol=1e-5)


def test_the_scale_of_loudness_is_fixed() -> None:
    """Ten times the amplitude is a hundred times the power: 2 / 4 on the scale, wherever it is."""
    torch.manual_seed(1)
    sound = torch.randn(1, 16_000) * 0.01
    quiet, loud = log_mel(sound), log_mel(sound * 10)
    assert quiet.shape == (1, 80, 100)
    assert loud - quiet == pytest.approx(torch.full_like(quiet, 0.5), abs=1e-4)
    assert log_mel(torch.zeros(1, 800)) == pytest.approx(torch.full((1, 80, 5), -0.75))
    later_is_loud = torch.cat([sound, sound * 100], dim=1)
    assert torch.equal(log_mel(later_is_loud)[..., :95], quiet[..., :95])
