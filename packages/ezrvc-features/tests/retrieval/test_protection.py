import pytest
import torch

from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval import protect_voiceless

BLENDED = torch.tensor([[10.0, 20.0, 30.0]])
ORIGINAL = torch.tensor([[0.0, 0.0, 10.0]])
VOICED = torch.tensor([True, False, False])


@pytest.mark.parametrize(
    ("protect", "expected"),
    [(0.0, [10.0, 0.0, 10.0]), (0.25, [10.0, 5.0, 15.0]), (0.5, [10.0, 20.0, 30.0])],
)
def test_unvoiced_frames_go_back_towards_the_original(
    protect: float, expected: list[float]
) -> None:
    protected = protect_voiceless(BLENDED, ORIGINAL, VOICED, protect)
    assert protected.tolist() == [expected]


def test_voiced_frames_stay_bit_for_bit() -> None:
    blended = torch.randn(4, 50, generator=torch.Generator().manual_seed(1))
    protected = protect_voiceless(blended, torch.zeros(4, 50), torch.ones(50), 0.33)
    assert torch.equal(protected, blended)


def test_what_is_not_of_the_same_frames_is_refused() -> None:
    with pytest.raises(FeatureError, match="not of the same frames"):
        protect_voiceless(BLENDED, ORIGINAL, VOICED[:2], 0.3)
    with pytest.raises(FeatureError, match=r"protect 0\.6 must be within 0 and 0\.5"):
        protect_voiceless(BLENDED, ORIGINAL, VOICED, 0.6)
