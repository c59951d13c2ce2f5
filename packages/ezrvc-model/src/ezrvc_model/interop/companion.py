"""The discriminator beside a generator of so-vits-svc, so that training can start there."""

from dataclasses import dataclass
from pathlib import Path

from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.discriminators import import_discriminator
from ezrvc_model.interop.sovits import checkpoint_step, matching_discriminator


@dataclass(frozen=True, eq=False)
class BroughtDiscriminator:
    """What came along with a voice.

    Attributes:
        network: None: there is none, or it was left out.
        file: that it was read from.
        advice: why it was left out.
    """

    network: Discriminator | None = None
    file: Path | None = None
    advice: tuple[str, ...] = ()


def bring_discriminator(folder: Path, checkpoint: str) -> BroughtDiscriminator:
    """Read the discriminator of the same step as a generator, or the newest one.

    One that cannot be read is left out: the voice is whole without it.

    Args:
        folder: where the generator lies.
        checkpoint: name of the generator's file.
    """
    if checkpoint_step(checkpoint) is None:
        return BroughtDiscriminator()
    name = matching_discriminator(checkpoint, [path.name for path in folder.iterdir()])
    if name is None:
        return BroughtDiscriminator()
    try:
        return BroughtDiscriminator(import_discriminator(folder / name), folder / name)
    except ModelError as error:
        reason = str(error).splitlines()[0]
        return BroughtDiscriminator(advice=(f"its discriminator was left out: {reason}",))
