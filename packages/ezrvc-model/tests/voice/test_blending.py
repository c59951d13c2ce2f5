import math
from dataclasses import replace

import pytest
import torch

from ezrvc_features.config import FeatureConfig
from ezrvc_model.blending import blend
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import untrained_voice
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import Consent, OriginFile, VoiceCard


def weights(voice: VoiceModel) -> dict[str, torch.Tensor]:
    return voice.prepared_generator().state_dict()


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_a_blend_of_one_voice_is_that_voice(share: float) -> None:
    voice = untrained_voice(["ada", "grace"])
    blended = blend([(voice, share)], "same")
    expected, found = weights(voice), weights(blended)
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert dict(blended.speakers) == dict(voice.speakers)
    assert (blended.config, blended.features) == (voice.config, voice.features)
    assert blended.card.name == "same"


def test_every_tensor_is_the_average_and_only_proportions_matter() -> None:
    a, b = untrained_voice(seed=1), untrained_voice(seed=2)
    found = weights(blend([(a, 0.75), (b, 0.25)], "ab"))
    scaled = weights(blend([(a, 6.0), (b, 2.0)], "ab"))
    of_a, of_b = weights(a), weights(b)
    assert any(not torch.equal(of_a[name], of_b[name]) for name in found)
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, 0.75 * of_a[name] + 0.25 * of_b[name])
        assert torch.equal(tensor, scaled[name])


def test_blending_leaves_its_parts_and_the_random_numbers_alone() -> None:
    a, b = untrained_voice(seed=1), untrained_voice(seed=2)
    before = {name: tensor.clone() for name, tensor in a.generator.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    blend([(a, 1.0), (b, 1.0)], "ab")
    assert torch.equal(torch.rand(2), expected)
    after = a.generator.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_speakers_of_a_row_give_it_their_names() -> None:
    a, b = untrained_voice(["ada", "grace"]), untrained_voice(["ada", "edith"])
    b = replace(b, default_speaker="edith")
    blended = blend([(b, 1.0), (a, 1.0)], "ab")
    assert dict(blended.speakers) == {"ada": 0, "edith+grace": 1}
    assert blended.speaker_by_default == "edith+grace"


def test_the_card_says_what_it_is_made_of_and_claims_no_more_than_its_parts() -> None:
    a, b = untrained_voice(), untrained_voice()
    a.card = VoiceCard(name="a", licence="CC0-1.0", consent=Consent(given=True, statement="yes"))
    b.card = VoiceCard(name="b")
    file = OriginFile(name="generator.safetensors", sha256="0" * 64)
    card = blend([(a, 3.0), (b, 1.0)], "ab", files=[file]).card
    assert (card.origin.kind, card.origin.note) == ("blended", "0.75 a, 0.25 b")
    assert card.origin.files == (file,)
    assert card.licence == "a: CC0-1.0; b: not stated"
    assert card.consent == Consent(given="unknown", statement="yes")
    assert not card.training.untrained
    b.card = VoiceCard(name="b", licence="CC0-1.0", consent=Consent(given=True))
    card = blend([(a, 1.0), (b, 1.0)], "ab").card
    assert (card.licence, card.consent.given) == ("CC0-1.0", True)
    b.card = VoiceCard(name="b", consent=Consent(given=False))
    assert blend([(a, 1.0), (b, 1.0)], "ab").card.consent.given is False


def test_voices_that_do_not_fit_are_refused_with_what_differs() -> None:
    a = untrained_voice()
    with pytest.raises(ModelError, match=r"differ in sample_rate 24000 and 32000$"):
        blend([(a, 1.0), (untrained_voice(sample_rate=32000), 1.0)], "x")
    other = replace(untrained_voice(), features=FeatureConfig(encoder="hubert-soft"))
    with pytest.raises(ModelError, match="content encoder 'mel' and 'hubert-soft'"):
        blend([(a, 1.0), (other, 1.0)], "x")
    other = replace(untrained_voice(), unvoiced="zero")
    with pytest.raises(ModelError, match="unvoiced 'interpolate' and 'zero'"):
        blend([(a, 1.0), (other, 1.0)], "x")
    both = untrained_voice(["ada", "grace"])
    first, second = replace(both, speakers={"ada": 0}), replace(both, speakers={"grace": 1})
    with pytest.raises(ModelError, match="share no row of the speaker table"):
        blend([(first, 1.0), (second, 1.0)], "x")


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_weights_that_mean_nothing_are_refused(weight: float) -> None:
    with pytest.raises(ModelError, match="must be above 0"):
        blend([(untrained_voice(), weight)], "x")
    with pytest.raises(ModelError, match="nothing to blend"):
        blend([], "x")
