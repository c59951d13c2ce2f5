"""A voice between voices: the weighted average of networks of the same shape."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import torch

from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import Consent, Origin, OriginFile, TrainingFacts, VoiceCard


def blend(
    parts: Sequence[tuple[VoiceModel, float]], name: str, *, files: Sequence[OriginFile] = ()
) -> VoiceModel:
    """Average voices tensor by tensor.

    It is their weights as inference uses them that are averaged, with weight normalisation folded;
    this makes sense for voices that were trained from one base. A row of the speaker table that
    the voices call differently is called by all its names, joined by `+`. A voice counts as
    consented to, and as trained, only if all its parts do.

    Args:
        parts: voices and how much of each; only the proportions matter.
        name: of the new voice.
        files: that the parts were read from, for the record.

    Returns:
        A voice in its inference form.

    Raises:
        ModelError: there is nothing to blend, a weight is not above 0, or the voices differ in
            their network, content encoder or the rules by which features are aligned.
    """
    shares = _shares([weight for _, weight in parts])
    voices = [voice for voice, _ in parts]
    first = voices[0]
    for other in voices[1:]:
        _check_compatible(first, other)
    states = [voice.prepared_generator().state_dict() for voice in voices]
    with torch.random.fork_rng(devices=[]):
        generator = Synthesizer(first.config).prepare_for_inference()
    generator.load_state_dict({name: _average(states, shares, name) for name in states[0]})
    speakers = _joined_speakers(voices)
    default = first.speaker_row(first.speaker_by_default)
    return VoiceModel(
        config=first.config,
        generator=generator,
        speakers=speakers,
        features=first.features,
        card=_card(voices, shares, name, files),
        default_speaker=next((who for who, row in speakers.items() if row == default), None),
        encoder_version=first.encoder_version,
        stretch=first.stretch,
        unvoiced=first.unvoiced,
        noise_scale=first.noise_scale,
    )


def _shares(weights: Sequence[float]) -> list[float]:
    """The weights with a sum of 1."""
    if not weights:
        raise ModelError("nothing to blend: name at least one voice")
    for weight in weights:
        if not (math.isfinite(weight) and weight > 0):
            raise ModelError(f"a voice cannot be blended with weight {weight}: it must be above 0")
    return [weight / sum(weights) for weight in weights]


def _average(
    states: Sequence[Mapping[str, torch.Tensor]], shares: Sequence[float], name: str
) -> torch.Tensor:
    total = sum(share * state[name].double() for state, share in zip(states, shares, strict=True))
    return torch.as_tensor(total).to(states[0][name].dtype)


def _check_compatible(first: VoiceModel, other: VoiceModel) -> None:
    ours, theirs = _what_must_agree(first), _what_must_agree(other)
    differences = [
        f"{key} {ours[key]!r} and {theirs[key]!r}" for key in ours if ours[key] != theirs[key]
    ]
    if differences:
        raise ModelError(
            f"{first.card.name!r} and {other.card.name!r} cannot be blended, they differ in "
            f"{'; '.join(differences)}"
        )


def _what_must_agree(voice: VoiceModel) -> dict[str, Any]:
    tree = voice.config.to_tree()
    decoder = tree.pop("decoder")
    return {
        **tree,
        **{f"decoder.{key}": value for key, value in decoder.items()},
        "content encoder": voice.features.encoder,
        "version of the content encoder": voice.encoder_version,
        "stretch": voice.stretch,
        "unvoiced": voice.unvoiced,
    }


def _joined_speakers(voices: Sequence[VoiceModel]) -> dict[str, int]:
    """Name to row, of the rows that every voice has a name for."""
    names = [{row: who for who, row in voice.speakers.items()} for voice in voices]
    rows = sorted(set[int].intersection(*(set(of_voice) for of_voice in names)))
    if not rows:
        raise ModelError("the voices cannot be blended, they share no row of the speaker table")
    return {"+".join(dict.fromkeys(of_voice[row] for of_voice in names)): row for row in rows}


def _card(
    voices: Sequence[VoiceModel], shares: Sequence[float], name: str, files: Sequence[OriginFile]
) -> VoiceCard:
    cards = [voice.card for voice in voices]
    licences = dict.fromkeys(card.licence for card in cards)
    licence = next(iter(licences))
    if len(licences) > 1:
        licence = "; ".join(f"{card.name}: {card.licence or 'not stated'}" for card in cards)
    statements = dict.fromkeys(card.consent.statement for card in cards)
    recipe = ", ".join(f"{share:.3g} {c.name}" for c, share in zip(cards, shares, strict=True))
    return VoiceCard(
        name=name,
        licence=licence,
        consent=Consent(
            given=_consent(cards),
            statement="; ".join(filter(None, statements)),
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        origin=Origin(kind="blended", files=tuple(files), note=recipe),
        training=TrainingFacts(untrained=any(card.training.untrained for card in cards)),
    )


def _consent(cards: Sequence[VoiceCard]) -> bool | Literal["unknown"]:
    answers = [card.consent.given for card in cards]
    if False in answers:
        return False
    return True if all(answer is True for answer in answers) else "unknown"
