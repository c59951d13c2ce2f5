from pathlib import Path

import pytest

from ezrvc_device.errors import DeviceError
from ezrvc_device.weights import UNVERIFIED, HubSource
from ezrvc_features.content.registry import encoder_entry, list_encoders, load_encoder
from ezrvc_features.errors import FeatureError


def test_the_encoders_are_known() -> None:
    entries = {entry.name: entry for entry in list_encoders()}
    assert entries.keys() >= {"mel", "hubert-soft", "contentvec768l12", "whisper-ppg"}
    assert entries["mel"].is_present()
    dims = {name: entry.dim for name, entry in entries.items()}
    assert (dims["hubert-soft"], dims["contentvec768l12"], dims["whisper-ppg"]) == (256, 768, 1024)
    assert all(entry.frame_rate_hz == 50.0 for entry in entries.values())
    assert all(entry.licence for entry in entries.values())


def test_no_revision_is_made_up() -> None:
    hub = [s for entry in list_encoders() for s in entry.sources if isinstance(s, HubSource)]
    assert hub
    assert {source.revision for source in hub} == {UNVERIFIED}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("contentvec", "contentvec768l12"),
        ("hubertsoft", "hubert-soft"),
        ("wisper-ppg", "whisper-ppg"),
    ],
)
def test_a_wrong_name_gets_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(FeatureError, match=f"no content encoder '{wrong}', did you mean '{right}'"):
        load_encoder(wrong)


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(FeatureError, match="known: mel, contentvec768l12"):
        encoder_entry("???")


@pytest.mark.parametrize("name", ["hubert-soft", "contentvec768l12", "whisper-ppg"])
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
