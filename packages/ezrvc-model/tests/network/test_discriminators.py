import pytest
import torch

from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.discriminators.judgement import Judgement, check_comparable
from ezrvc_model.discriminators.period import PeriodDiscriminator
from ezrvc_model.errors import ModelError

A, B = torch.zeros(2, 5), torch.zeros(3, 5)


def test_every_member_gives_logits_and_the_maps_of_each_layer():
    discriminator = Discriminator(periods=(2, 3), resolutions=((64, 16),))
    with torch.no_grad():
        judged = discriminator(torch.randn(2, 1, 500))
    assert [len(maps) for maps in judged.feature_maps] == [7, 6, 6, 6]
    assert all(logits.shape[0] == 2 for logits in judged.logits)


def test_judging_together_is_judging_apart():
    discriminator = Discriminator(periods=(2,), resolutions=((64, 16),))
    real, fake = torch.randn(2, 1, 333), torch.randn(2, 1, 333)
    with torch.no_grad():
        together = discriminator.judge_both(real, fake)
        apart = discriminator(real), discriminator(fake)
    for one, other in zip(together, apart, strict=True):
        check_comparable(one, other)
        for a, b in zip(one.logits, other.logits, strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
        for a, b in zip(sum(one.feature_maps, ()), sum(other.feature_maps, ()), strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_a_period_discriminator_sees_equally_spaced_samples_only():
    """Without the last, wide layers: one column of period 3 never reaches another."""
    layer = PeriodDiscriminator(3)
    audio = torch.randn(1, 1, 30)
    changed = audio.clone()
    changed[..., 1::3] += 1
    with torch.no_grad():
        _, maps = layer(audio)
        _, other = layer(changed)
    for a, b in zip(maps, other, strict=True):
        assert torch.equal(a[..., 0], b[..., 0])
        assert not torch.equal(a[..., 1], b[..., 1])


@pytest.mark.parametrize("n_samples", [1, 2, 7, 11, 12])
def test_audio_that_fills_no_period_is_reflected(n_samples):
    logits, _ = PeriodDiscriminator(11)(torch.randn(1, 1, n_samples))
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("logits", "maps", "message"),
    [
        ((), (), "got 0 logits and 0 lists"),
        ((A,), (), "got 1 logits and 0 lists"),
        ((A,), ((),), "discriminator 0 gave no feature maps"),
        ((A, [1.0]), ((A,), (A,)), "logits of discriminator 1 must be a tensor, got list"),
        ((A,), ((None,),), "feature map 0 of discriminator 0 must be a tensor, got NoneType"),
        ((torch.zeros(2, 1, 5),), ((A,),), r"must be \(batch, n_logits\), got \(2, 1, 5\)"),
        ((A,), ((A, B),), "feature map 1 of discriminator 0 holds 3 items, its logits 2"),
    ],
)
def test_the_contract_is_checked(logits, maps, message):
    with pytest.raises(ModelError, match=message):
        Judgement(logits, maps)


def test_judgements_of_different_audio_or_discriminators_are_not_compared():
    one = Judgement((A,), ((A,),))
    with pytest.raises(ModelError, match="1 and 2 discriminators"):
        check_comparable(one, Judgement((A, A), ((A,), (A,))))
    with pytest.raises(ModelError, match="discriminator 0 saw different shapes"):
        check_comparable(one, Judgement((A,), ((A[:, :4],),)))


def test_audio_of_another_shape_is_refused():
    with pytest.raises(ModelError, match=r"must be \(batch, 1, n_samples\), got \(1, 100\)"):
        Discriminator(periods=(2,))(torch.zeros(1, 100))
