"""What became of every layer when training started from a base."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ezrvc_device.atomic import write_text
from ezrvc_model.voice_card import OriginFile


@dataclass(frozen=True)
class LayerFate:
    """One layer of a network that is trained.

    Attributes:
        network: `generator` or `discriminator`.
        layer: its name.
        n_parameters: numbers it holds.
        reason: why it is initialised afresh; empty: it was taken.
    """

    network: str
    layer: str
    n_parameters: int
    reason: str = ""

    @property
    def taken(self) -> bool:
        """Whether it comes from the base."""
        return not self.reason

    @property
    def part(self) -> str:
        """The part of the network that it belongs to."""
        return f"{self.network}/{self.layer.partition('.')[0]}"


@dataclass(frozen=True)
class PartFate:
    """The layers of one part that met the same fate.

    Attributes:
        part: `generator/flow` and so on.
        n_layers: how many they are.
        n_parameters: numbers they hold.
        reason: why they are initialised afresh; empty: they were taken.
    """

    part: str
    n_layers: int
    n_parameters: int
    reason: str


@dataclass(frozen=True)
class BaseReport:
    """How a run began from its base.

    Attributes:
        base: what it was.
        files: that it was read from.
        layers: every layer of both networks.
        speakers: speaker to where its row of the speaker table comes from.
        unused: tensors of the base that no layer has a place for.
        notes: what else differs, a sentence each.
    """

    base: str
    files: tuple[OriginFile, ...]
    layers: tuple[LayerFate, ...]
    speakers: dict[str, str]
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def parts(self) -> list[PartFate]:
        """The same by part and reason, in the order of the networks."""
        grouped: dict[tuple[str, str], list[LayerFate]] = {}
        for layer in self.layers:
            grouped.setdefault((layer.part, _kind(layer.reason)), []).append(layer)
        return [
            PartFate(
                part,
                len(layers),
                sum(layer.n_parameters for layer in layers),
                layers[0].reason if len(layers) == 1 else reason,
            )
            for (part, reason), layers in grouped.items()
        ]

    def share_taken(self, network: str) -> float:
        """The share of a network's parameters that comes from the base, 0 to 1."""
        mine = [layer for layer in self.layers if layer.network == network]
        taken = sum(layer.n_parameters for layer in mine if layer.taken)
        return taken / max(1, sum(layer.n_parameters for layer in mine))

    @property
    def summary(self) -> str:
        """A line that says how much was taken."""
        generator, discriminator = map(self.share_taken, ("generator", "discriminator"))
        return (
            f"from {self.base}: {generator:.0%} of the generator and {discriminator:.0%} of the "
            "discriminator taken, the rest initialised afresh"
        )

    def save(self, path: Path) -> None:
        """Write every layer, speaker and unused tensor as a CSV table.

        Raises:
            OSError: the file cannot be written.
        """
        rows: Iterable[tuple[str, str, str]] = [
            *((each.network, each.layer, each.reason or "taken") for each in self.layers),
            *(("speaker", name, source) for name, source in self.speakers.items()),
            *(("base", name, "has no place here") for name in self.unused),
            *(("note", "", note) for note in self.notes),
        ]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("what", "name", "fate"))
        writer.writerows(rows)
        write_text(path, text.getvalue())


def _kind(reason: str) -> str:
    """A reason without its numbers, so that layers of other shapes can share a line."""
    return reason.partition(":")[0]
