"""Whether a new run starts from the built-in voice when nobody says what it starts from."""

from dataclasses import dataclass
from typing import Any, cast

from ezrvc_features.config import FeatureConfig
from ezrvc_model.builtin import BASE, BUILT_IN_SCHEME, built_in_folders
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.voice_folder import VoiceConfig, read_voice_config

NOTHING = "none"
"""Address of no base at all."""
BUILT_IN_BASE = f"{BUILT_IN_SCHEME}{BASE}"
"""Address of the built-in voice of several speakers."""


@dataclass(frozen=True)
class Choice:
    """What a new run starts from.

    Attributes:
        address: as `read_base` takes it, or `none`.
        account: the same for people, and why.
    """

    address: str
    account: str


def choose_base(asked: str, model: SynthesizerConfig, features: FeatureConfig) -> Choice:
    """Settle `auto`; anything else stays as it was asked for.

    The built-in voice is taken if its network is the one to be trained, apart from the number of
    speakers, and its content is that of the experiment.

    Raises:
        ModelError: the built-in voice is damaged.
    """
    if asked == NOTHING:
        return Choice(NOTHING, "starts from nothing, as asked for")
    if asked != "auto":
        return Choice(asked, f"starts from {asked}, as asked for")
    folder = next((each for each in built_in_folders() if each.name == BASE), None)
    if folder is None:
        return Choice(NOTHING, "starts from nothing: no built-in voice is installed")
    obstacle = _obstacle(read_voice_config(folder), model, features)
    if obstacle:
        return Choice(NOTHING, f"starts from nothing: {obstacle}")
    return Choice(BUILT_IN_BASE, "starts from the built-in voice (--base none: from nothing)")


def _obstacle(voice: VoiceConfig, model: SynthesizerConfig, features: FeatureConfig) -> str:
    """Why a voice is no base for a network; empty if it is."""
    theirs, ours = _encoder(voice.features), _encoder(features)
    if theirs != ours:
        return f"another encoder than the built-in voice's ({theirs} there, {ours} here)"
    different = _differences(voice.synthesizer.to_tree(), model.to_tree())
    if not different:
        return ""
    more = f" and {len(different) - 1} more" if len(different) > 1 else ""
    return f"another preset than the built-in voice's ({different[0]}{more})"


def _encoder(features: FeatureConfig) -> str:
    """The content encoder; with weights of one's own it is another."""
    own = features.encoder_weights
    return features.encoder if own is None else f"{features.encoder} with weights of its own"


def _differences(theirs: dict[str, Any], ours: dict[str, Any], prefix: str = "") -> list[str]:
    """Each number that is another, apart from how many speakers there are."""
    found: list[str] = []
    for name, there in theirs.items():
        here = ours[name]
        if isinstance(there, dict):
            within = cast("dict[str, Any]", there)
            found += _differences(within, here, f"{prefix}{name}.")
        elif there != here and name != "n_speakers":
            found.append(f"{prefix}{name} is {there} there, {here} here")
    return found
