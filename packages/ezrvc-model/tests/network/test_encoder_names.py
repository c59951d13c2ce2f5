"""What so-vits-svc and RVC call the content encoders, and what they are called here."""

import pytest

from ezrvc_features.content.registry import list_encoders
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.encoders import OUR_NAMES, SOVITS_NAMES, WIDTHS, decide_encoder

REGISTERED = {entry.name: entry for entry in list_encoders()}
SOVITS_WIDTHS = {
    "vec768l12": 768,
    "vec256l9": 256,
    "vec768l9-onnx": 768,
    "vec256l12-onnx": 256,
    "hubertsoft": 256,
    "whisper-ppg": 1024,
    "whisper-ppg-large": 1280,
    "cnhubertlarge": 1024,
    "dphubert": 768,
    "wavlmbase+": 768,
}


@pytest.mark.parametrize(("theirs", "width"), SOVITS_WIDTHS.items())
def test_every_encoder_of_sovits_can_be_run_here(theirs: str, width: int) -> None:
    ours = decide_encoder(width, theirs, None, "a voice")
    assert REGISTERED[ours].dim == WIDTHS[ours] == width
    assert SOVITS_NAMES[ours] == theirs


def test_a_summary_names_what_sovits_calls_it() -> None:
    """So that the page of the encoders can be searched for it."""
    for theirs, ours in OUR_NAMES.items():
        assert theirs.removesuffix("-onnx") in REGISTERED[ours].summary, ours


def test_whisper_is_padded_for_voices_of_sovits() -> None:
    assert decide_encoder(1024, "whisper-ppg", None, "a voice") == "whisper-ppg-padded"
    assert decide_encoder(1280, None, None, "a voice") == "whisper-ppg-large-padded"


def test_an_encoder_that_only_we_know_can_be_asked_for() -> None:
    assert decide_encoder(768, "vec768l12", "spin", "an RVC voice") == "spin"
    with pytest.raises(ModelError, match="'whisper-ppg-tiny' gives vectors of 384, this voice"):
        decide_encoder(768, None, "whisper-ppg-tiny", "a voice")
