"""What a voice is, whose it is, and how it was made: the record that travels with the weights."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ezrvc_device.configuration import Section


class Consent(Section):
    """Whether the person whose voice this is agreed to it, and to what."""

    given: bool | Literal["unknown"] = "unknown"
    statement: str = ""
    """Who agreed to which uses, when, and where that is written down."""


class OriginFile(Section):
    """One file that a voice was made from."""

    name: str
    """The file's name, without the folders of the machine it lay on."""
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Name and checksum of a file."""
        with path.open("rb") as stream:
            return cls(name=path.name, sha256=hashlib.file_digest(stream, "sha256").hexdigest())


class Origin(Section):
    """How a voice came to be."""

    kind: Literal["trained", "imported", "blended"] = "trained"
    files: tuple[OriginFile, ...] = ()
    """What it was imported or blended from."""
    note: str = ""


class TrainingFacts(Section):
    """What is known of the training."""

    steps: int | None = Field(default=None, ge=0)
    audio_minutes: float | None = Field(default=None, ge=0)
    untrained: bool = False
    """Whether training was too short for the voice to be judged."""
    note: str = ""


class F0Range(Section):
    """The pitch a speaker was heard at in training: percentiles of the voiced frames, Hz."""

    low_hz: float = Field(gt=0)
    """5th percentile."""
    median_hz: float = Field(gt=0)
    high_hz: float = Field(gt=0)
    """95th percentile."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low_hz <= self.median_hz <= self.high_hz:
            raise ValueError(f"{self.low_hz} <= {self.median_hz} <= {self.high_hz} does not hold")
        return self

    @classmethod
    def measured(cls, curves: Iterable[NDArray[np.floating]]) -> Self | None:
        """The range of some F0 curves in Hz (0 = unvoiced), or None when nothing is voiced."""
        voiced = [curve[curve > 0] for curve in curves]
        hz = np.concatenate(voiced) if voiced else np.empty(0)
        if hz.size == 0:
            return None
        low, median, high = (round(float(q), 2) for q in np.percentile(hz, (5, 50, 95)))
        return cls(low_hz=low, median_hz=median, high_hz=high)


class VoiceCard(Section):
    """The record of one voice model; everything in it is for people, nothing shapes the network."""

    name: str = Field(min_length=1)
    description: str = ""
    licence: str = ""
    """Under which terms the voice may be used; empty: not stated."""
    consent: Consent = Consent()
    author: str = ""
    created: str = ""
    """When it was made, ISO 8601."""
    origin: Origin = Origin()
    training: TrainingFacts = TrainingFacts()
    speakers: dict[str, str] = Field(default_factory=dict)
    """What speakers sound like, by name, where there is something to say."""
    f0: dict[str, F0Range] = Field(default_factory=dict)
    """Pitch range of each speaker, by name, where it was measured."""

    def to_markdown(self, *, speakers: Iterable[str], sample_rate: int) -> str:
        """The card as a README for the voice's folder.

        Args:
            speakers: the names the voice knows.
            sample_rate: of the voice, Hz.
        """
        facts = [
            ("Speakers", ", ".join(speakers)),
            ("Sample rate", f"{sample_rate} Hz"),
            ("Licence", self.licence or "not stated"),
            ("Consent of the speaker", _consent_in_words(self.consent)),
            ("Author", self.author or "not stated"),
            ("Created", self.created or "not stated"),
            ("Origin", " ".join(part for part in (self.origin.kind, self.origin.note) if part)),
            ("Training", _training_in_words(self.training)),
        ]
        facts += [
            (
                f"Pitch of {speaker}",
                f"{f0.low_hz:.0f}–{f0.high_hz:.0f} Hz, median {f0.median_hz:.0f} Hz",
            )
            for speaker, f0 in self.f0.items()
        ]
        facts += [(f"Voice of {speaker}", text) for speaker, text in self.speakers.items()]
        lines = [f"# {self.name}", ""]
        if self.description:
            lines += [self.description, ""]
        lines += ["| | |", "| --- | --- |"]
        lines += [f"| {_cell(label)} | {_cell(text)} |" for label, text in facts]
        if self.origin.files:
            lines += ["", "Made from:", ""]
            lines += [f"- `{file.name}` (SHA-256 `{file.sha256}`)" for file in self.origin.files]
        return "\n".join(lines) + "\n"


def _consent_in_words(consent: Consent) -> str:
    answer = {True: "given", False: "not given", "unknown": "unknown"}[consent.given]
    return f"{answer}: {consent.statement}" if consent.statement else answer


def _training_in_words(training: TrainingFacts) -> str:
    parts: list[str] = []
    if training.untrained:
        parts.append("untrained: not fit to be judged")
    if training.steps is not None:
        parts.append(f"{training.steps} steps")
    if training.audio_minutes is not None:
        parts.append(f"{training.audio_minutes:.1f} minutes of audio")
    if training.note:
        parts.append(training.note)
    return "; ".join(parts) or "not stated"


def _cell(text: str) -> str:
    """Text that cannot break a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())
