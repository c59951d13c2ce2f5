"""The networks at their published sizes against transformers, with random weights.

Small networks, which say the same in a moment, are in test_truth.py and test_hubert_family.py;
these show that the numbers of the published configurations fit the registry. Whisper at its size is
in test_real_whisper.py, HuBERT-Soft at its in test_recorded.py.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    HubertConfig,
    HubertModel,
    PreTrainedModel,
    WavLMConfig,
    WavLMModel,
)

from ezrvc_audio.testing import speech_like
from ezrvc_features.content.registry import encoder_entry, load_encoder
from ezrvc_features.testing.checkpoints import ProjectedHubert, seeded

pytestmark = pytest.mark.slow

SPOKEN = speech_like(1.3, 16_000)
LARGE: dict[str, Any] = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "conv_bias": True,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
}


def hubert_base() -> PreTrainedModel:
    return HubertModel(HubertConfig())


def hubert_large() -> PreTrainedModel:
    return HubertModel(HubertConfig(**LARGE))


def contentvec() -> PreTrainedModel:
    return ProjectedHubert(HubertConfig(classifier_proj_size=256))


def wavlm() -> PreTrainedModel:
    return WavLMModel(WavLMConfig())


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("contentvec768l12", contentvec),
        ("contentvec768l9", contentvec),
        ("contentvec256l9", contentvec),
        ("spin", hubert_base),
        ("cnhubert-large", hubert_large),
        ("wavlm-base-plus", wavlm),
    ],
)
def test_a_layer_is_that_of_transformers(
    name: str,
    build: Callable[[], PreTrainedModel],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    with seeded(1):
        reference: Any = build().eval()
    reference.save_pretrained(tmp_path / "published")
    entry = encoder_entry(name)
    layer = entry.hidden_layer
    assert layer is not None
    with torch.no_grad():
        outputs = reference(torch.from_numpy(SPOKEN.samples), output_hidden_states=True)
        is_last = layer.index == layer.of
        hidden = outputs.last_hidden_state if is_last else outputs.hidden_states[layer.index]
        expected = (reference.final_proj(hidden) if layer.projected else hidden)[0].T
    content = load_encoder(name, weights=tmp_path / "published", device="cpu").encode(SPOKEN)
    assert len(content) == entry.dim
    torch.testing.assert_close(content, expected, rtol=1e-4, atol=1e-4)
