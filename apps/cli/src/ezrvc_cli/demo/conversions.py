"""The conversions of the demo: each source into each of some speakers of a voice."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ezrvc_device.progress import Progress, silent
from ezrvc_model.conversion import ConversionSettings, VoiceConverter
from ezrvc_model.voice import VoiceModel

_IN_ITS_KEY = ConversionSettings(transpose_semitones="auto")


@dataclass(frozen=True)
class Conversion:
    """One source in one voice.

    Attributes:
        source: the recording.
        result: its conversion.
        name: of the source's speaker.
        speaker: who speaks in the result.
        description: what that speaker sounds like; empty: the voice's card does not say.
        transpose_semitones: by how much the pitch was shifted.
        elapsed_s: time the conversion took, the voice being loaded.
    """

    source: Path
    result: Path
    name: str
    speaker: str
    description: str
    transpose_semitones: float
    elapsed_s: float


def lowest_and_highest(voice: VoiceModel) -> tuple[str, ...]:
    """The speaker that speaks lowest and the one that speaks highest, by the voice's card.

    A man and a woman, where there are both; one name, where only one speaker's pitch is known.
    """
    medians = {name: f0.median_hz for name, f0 in voice.card.f0.items() if name in voice.speakers}
    if not medians:
        return tuple(voice.speakers)[:2]
    chosen = (min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__))
    return tuple(dict.fromkeys(chosen))


def convert_into(
    voice: VoiceModel,
    speakers: Sequence[str],
    sources: Sequence[Path],
    folder: Path,
    *,
    device: str | None = None,
    progress: Progress = silent,
) -> list[Conversion]:
    """Convert every source into every speaker, each in the key of that speaker.

    Args:
        voice: that speaks.
        speakers: of the voice.
        sources: files named `source-<name>`.
        folder: gets `<name>_<speaker>.wav`.
        device: where the voice runs.
        progress: is told seconds of sound.
    """
    converter = VoiceConverter(voice, device=device or "auto")
    made: list[Conversion] = []
    for speaker in speakers:
        for source in sources:
            name = source.stem.removeprefix("source-")
            result = folder / f"{name}_{speaker}.wav"
            if not made:  # once for nothing, so that loading is not timed
                converter.convert_file(source, result, speaker, _IN_ITS_KEY)
            report = converter.convert_file(source, result, speaker, _IN_ITS_KEY, progress)
            made.append(
                Conversion(
                    source=source,
                    result=result,
                    name=name,
                    speaker=speaker,
                    description=voice.card.speakers.get(speaker, ""),
                    transpose_semitones=report.transpose_semitones,
                    elapsed_s=report.elapsed_s,
                )
            )
    return made
