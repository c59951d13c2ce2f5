import inspect
import pkgutil
from pathlib import Path

import pytest

from ezrvc_device.errors import DeviceError
from ezrvc_device.weights import HubSource
from ezrvc_features.content.entry import EncoderEntry
from ezrvc_features.content.registry import encoder_entry, list_encoders, load_encoder
from ezrvc_features.content.speech_encoder import SpeechEncoder, WeightedEncoder
from ezrvc_features.errors import FeatureError


def test_every_encoder_of_the_field_is_known() -> None:
    entries = {entry.name: entry for entry in list_encoders()}
    assert {name: entry.dim for name, entry in entries.items()} == {
        "soft-units": 64,
        "mel": 80,
        "contentvec768l12": 768,
        "contentvec768l9": 768,
        "contentvec256l12": 256,
        "contentvec256l9": 256,
        "hubert-soft": 256,
        "cnhubert-large": 1024,
        "dphubert": 768,
        "whisper-ppg-tiny": 384,
        "whisper-ppg-base": 512,
        "whisper-ppg-small": 768,
        "whisper-ppg": 1024,
        "whisper-ppg-large": 1280,
        "whisper-ppg-large-v3": 1280,
        "whisper-ppg-padded": 1024,
        "whisper-ppg-large-padded": 1280,
        "wavlm-base-plus": 768,
        "spin": 768,
        "mhubert-147": 768,
    }
    assert entries["soft-units"].is_present()
    assert entries["mel"].is_present()
    assert not any(entry.is_present() for entry in entries.values() if entry.downloads)
    assert all(entry.frame_rate_hz == 50.0 for entry in entries.values())
    assert all(entry.licence and entry.summary for entry in entries.values())
    assert all((entry.size_mb > 0) == bool(entry.downloads) for entry in entries.values())


@pytest.mark.parametrize("entry", list_encoders(), ids=lambda entry: entry.name)
def test_an_entry_fits_its_class(entry: EncoderEntry) -> None:
    """A class that can take several layers is told which; what has weights can convert them."""
    encoder_class = pkgutil.resolve_name(entry.implementation)
    assert issubclass(encoder_class, SpeechEncoder)
    assert issubclass(encoder_class, WeightedEncoder) == bool(entry.sources)
    parameters = inspect.signature(encoder_class).parameters
    assert ("layer" in parameters) == (entry.hidden_layer is not None)


def test_what_is_pinned_is_pinned_everywhere() -> None:
    """Files of one repository come from one revision; an address with a hash is that file's."""
    revisions: dict[str, set[str]] = {}
    for entry in list_encoders():
        for source in entry.downloads:
            if isinstance(source, HubSource):
                revisions.setdefault(source.repository, set()).add(source.revision)
            elif "openaipublic" in source.url:
                assert source.url.split("/")[-2] == source.sha256
    assert len(revisions) == 5
    assert all(len(known) == 1 for known in revisions.values())


def test_layers_are_named_for_people() -> None:
    layers = {entry.name: str(entry.layer) for entry in list_encoders()}
    assert layers["contentvec256l9"] == "layer 9 of 12 and projection"
    assert layers["contentvec768l12"] == "last layer"
    assert layers["mhubert-147"] == "layer 9 of 12, of normalised sound"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("contentvec768", "contentvec768l9"),
        ("hubertsoft", "hubert-soft"),
        ("wisper-ppg", "whisper-ppg"),
    ],
)
def test_a_wrong_name_gets_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(FeatureError, match=f"no content encoder '{wrong}', did you mean '{right}'"):
        load_encoder(wrong)


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(FeatureError, match="known: soft-units, mel, contentvec768l12"):
        encoder_entry("???")


@pytest.mark.parametrize("name", ["hubert-soft", "contentvec256l9", "whisper-ppg", "dphubert"])
def test_weights_that_are_not_here_say_what_to_do(name: str) -> None:
    assert not encoder_entry(name).is_present()
    with pytest.raises(FeatureError) as caught:
        load_encoder(name)
    message = str(caught.value)
    assert f"the weights of {name}" in message
    assert "features.encoder_weights" in message
    assert "\n" not in message


def test_the_encoder_without_weights_refuses_them(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="mel has no weights"):
        load_encoder("mel", weights=tmp_path)


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceError, match="cuda:99"):
        load_encoder("mel", device="cuda:99")
