import hashlib
from pathlib import Path

import numpy as np
import pytest

from ezrvc_device.errors import ConfigurationError
from ezrvc_model.voice_card import Consent, F0Range, Origin, OriginFile, TrainingFacts, VoiceCard


def test_the_f0_range_is_that_of_the_voiced_frames() -> None:
    first = np.concatenate((np.zeros(500), np.arange(100.0, 151.0)))
    second = np.arange(151.0, 201.0)
    measured = F0Range.measured([first, second])
    assert measured == F0Range(low_hz=105.0, median_hz=150.0, high_hz=195.0)


def test_curves_without_a_voiced_frame_have_no_range() -> None:
    assert F0Range.measured([np.zeros(9)]) is None
    assert F0Range.measured([]) is None


def test_a_range_out_of_order_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="300"):
        F0Range.from_tree({"low_hz": 300.0, "median_hz": 200.0, "high_hz": 400.0})


def test_an_origin_file_is_named_without_its_folders(tmp_path: Path) -> None:
    (tmp_path / "G_800.pth").write_bytes(b"weights")
    origin = OriginFile.of(tmp_path / "G_800.pth")
    assert origin.name == "G_800.pth"
    assert origin.sha256 == hashlib.sha256(b"weights").hexdigest()


def test_a_card_survives_its_tree() -> None:
    card = VoiceCard(
        name="Emma",
        licence="CC0-1.0",
        consent=Consent(given=True, statement="Emma agreed to any use, in writing, 2024-03-01"),
        origin=Origin(kind="imported", files=(OriginFile(name="G.pth", sha256="00"),)),
        training=TrainingFacts(steps=800, audio_minutes=1.5),
        f0={"emma": F0Range(low_hz=150.0, median_hz=200.0, high_hz=300.0)},
    )
    assert VoiceCard.from_tree(card.to_tree()) == card


@pytest.mark.parametrize(("given", "words"), [(True, "given"), (False, "not given")])
def test_the_readme_says_what_matters(given: bool, words: str) -> None:
    card = VoiceCard(
        name="Emma",
        description="A calm voice.",
        licence="terms | conditions",
        consent=Consent(given=given, statement="by letter"),
        training=TrainingFacts(steps=3, untrained=True),
        origin=Origin(files=(OriginFile(name="a.wav", sha256="abcd"),)),
    )
    text = card.to_markdown(speakers=["emma", "nova"], sample_rate=24000)
    assert text.startswith("# Emma\n\nA calm voice.\n")
    assert "| Speakers | emma, nova |" in text
    assert f"| Consent of the speaker | {words}: by letter |" in text
    assert "terms \\| conditions" in text  # a bar does not end the table's cell
    assert "untrained" in text
    assert "- `a.wav` (SHA-256 `abcd`)" in text


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    text = VoiceCard(name="x").to_markdown(speakers=["x"], sample_rate=1)
    assert "| Consent of the speaker | unknown |" in text
    assert "| Licence | not stated |" in text
