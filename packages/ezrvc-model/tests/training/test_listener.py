"""A content encoder that listens to what is made while a voice is trained."""

import pytest
import torch

from ezrvc_device.precision import precision_for
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import small_config
from ezrvc_model.training.fabric import make_fabric
from ezrvc_model.training.listener import Listener, listener_for
from ezrvc_model.training.randomness import KeyedNoise
from ezrvc_model.training.state import new_state
from ezrvc_model.training.steps import training_step
from ezrvc_model.training.trial import made_up_batch, try_steps

CPU = torch.device("cpu")
MODEL = small_config()
SETTINGS = TrainConfig(
    batch_size=2,
    segment_frames=16,
    max_clip_frames=24,
    content_weight=30.0,
    discriminator=DiscriminatorConfig(periods=(2,), narrowing=64),
)
FEATURES = FeatureConfig(encoder="soft-units")


class Loudness:
    """Hears nothing but how loud each stretch of 20 ms is."""

    def __init__(self) -> None:
        self.heard: list[torch.Tensor] = []

    def hear(self, samples: torch.Tensor) -> list[torch.Tensor]:
        self.heard.append(samples)
        return [samples.unfold(1, 320, 320).square().mean(dim=2, keepdim=True)]


def test_audio_is_heard_at_16_khz() -> None:
    ears = Loudness()
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(24_000) / 24_000)[None, None]
    (loudness,) = Listener(ears, 24_000, CPU)(tone)
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(16_000) / 16_000)
    torch.testing.assert_close(ears.heard[0][0, 200:-200], expected[200:-200], atol=5e-3, rtol=0)
    with torch.autocast("cpu", torch.bfloat16):
        Listener(ears, 24_000, CPU)(tone)
    assert torch.equal(ears.heard[1], ears.heard[0])
    assert loudness.shape == (1, 50, 1)
    assert float(loudness.mean()) == pytest.approx(0.5, abs=0.01)


def test_who_is_not_asked_for_does_not_listen() -> None:
    silent = SETTINGS.model_copy(update={"content_weight": 0.0})
    assert listener_for(silent, FEATURES, MODEL.sample_rate, CPU) is None


def test_an_encoder_that_cannot_listen_is_refused() -> None:
    with pytest.raises(ModelError, match=r"mel does not \(soft-units does\): set it to 0"):
        listener_for(SETTINGS, FeatureConfig(encoder="mel"), MODEL.sample_rate, CPU)


def test_a_step_counts_what_is_heard_and_teaches_the_prior_by_it() -> None:
    """With the other weights at 0, only the content loss reaches the way from content to latent."""
    settings = SETTINGS.model_copy(update={"mel_weight": 0.0, "kl_weight": 0.0})
    batch = made_up_batch(MODEL, settings, CPU)
    listener = listener_for(settings, FEATURES, MODEL.sample_rate, CPU)
    for ears in (None, listener):
        torch.manual_seed(0)
        state = new_state(make_fabric(CPU, precision_for(CPU)), MODEL, settings)
        metrics = training_step(state, batch, MODEL, settings, KeyedNoise(batch.keys), ears)
        assert ("generator/content" in metrics) == (ears is not None)
        prior = [p.grad for p in state.synthesizer.prior_encoder.parameters()]
        reached = any(gradient is not None and gradient.any() for gradient in prior)
        assert reached == (ears is not None)
    others = sum(metrics[f"generator/{n}"] for n in ("adversarial", "feature_matching", "f0"))
    expected = others + 30 * metrics["generator/content"]
    torch.testing.assert_close(metrics["generator/total"], expected)


def test_being_heard_makes_what_is_said_clearer() -> None:
    settings = SETTINGS.model_copy(update={"learning_rate": 2e-3, "content_weight": 100.0})
    torch.manual_seed(0)
    state = new_state(make_fabric(CPU, precision_for(CPU)), MODEL, settings)
    batch = made_up_batch(MODEL, settings, CPU)
    listener = listener_for(settings, FEATURES, MODEL.sample_rate, CPU)
    losses = [
        float(
            training_step(state, batch, MODEL, settings, KeyedNoise(batch.keys), listener)[
                "generator/content"
            ]
        )
        for _ in range(20)
    ]
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])


def test_a_trial_listens_too() -> None:
    ears = Loudness()
    trial = try_steps(MODEL, SETTINGS, CPU, 1, listener=Listener(ears, MODEL.sample_rate, CPU))
    assert trial is not None
    assert len(ears.heard) == 2 * 2  # the recording and what was made, in two steps
