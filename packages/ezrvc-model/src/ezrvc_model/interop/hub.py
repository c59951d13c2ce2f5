"""Models of other programs in repositories of the Hugging Face Hub."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from ezrvc_device.progress import Progress, silent
from ezrvc_device.weights import HubSource, WeightSpec, fetch, list_hub_files
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.sovits import checkpoint_step, matching_discriminator

SCHEME = "hf:"
_ADDRESS = re.compile(
    r"^hf:(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[^/@]+))?(/(?P<place>[^@]*))?$"
)
_MOST_NAMED = 10


@dataclass(frozen=True)
class HubAddress:
    """`hf:owner/name[@revision][/folder or file]`."""

    repository: str
    revision: str | None
    """A commit, branch or tag; None: the newest."""
    place: str
    """A folder or checkpoint in the repository; empty: all of it."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address.

        Raises:
            ModelError: it is not one.
        """
        match = _ADDRESS.match(text)
        if match is None:
            raise ModelError(
                f"{text!r} is no place on the Hub: write hf:owner/name, hf:owner/name/folder or "
                "hf:owner/name@revision/folder"
            )
        return cls(match["repository"], match["revision"], (match["place"] or "").strip("/"))


@dataclass(frozen=True)
class HubModel:
    """A model that was fetched.

    Attributes:
        checkpoint: the generator's file; what belongs to it lies beside it.
        name: what the model may be called.
        address: of the checkpoint, with its commit.
    """

    checkpoint: Path
    name: str
    address: str


def fetch_hub_model(
    address: HubAddress, progress: Progress = silent, *, cache: Path | None = None
) -> HubModel:
    """Fetch a model of so-vits-svc or RVC: its generator, and what lies beside it and is read too.

    Beside a `G_*.pth` these are `config.json`, the discriminator of the same step (or the newest)
    and k-means centres; beside any generator, feature indices.

    Args:
        address: of a checkpoint, or of a folder that holds one model, itself or further down.
        progress: is told of bytes, for each file.
        cache: see `ezrvc_device.weights.fetch`.

    Raises:
        ModelError: there is no model, or there are several; names them.
        WeightsError: the Hub cannot be asked, or a file cannot be had.
    """
    listing = list_hub_files(address.repository, address.revision)
    checkpoint = _checkpoint(listing.files, address)
    for file in _beside(checkpoint, listing.files):
        _fetch(address.repository, file, listing.commit, progress, cache)
    path = _fetch(address.repository, checkpoint.as_posix(), listing.commit, progress, cache)
    name = checkpoint.stem
    if checkpoint_step(checkpoint.name) is not None:
        name = checkpoint.parent.name or address.repository.partition("/")[2]
    where = f"{SCHEME}{address.repository}@{listing.commit}/{checkpoint}"
    return HubModel(path, name, where)


def _fetch(repository: str, file: str, commit: str, progress: Progress, cache: Path | None) -> Path:
    spec = WeightSpec(PurePosixPath(file).name, HubSource(repository, file, commit))
    return fetch(spec, progress, cache=cache)


def _checkpoint(files: tuple[str, ...], address: HubAddress) -> PurePosixPath:
    """The one generator that is meant."""
    place = PurePosixPath(address.place)
    inside = [path for path in map(PurePosixPath, files) if place in (path, *path.parents)]
    generators = _generators([path for path in inside if path.suffix == ".pth"])
    nearest = [path for path in generators if path.parent == place]
    if len(nearest) == 1 or len(generators) == 1:
        return (nearest or generators)[0]
    what = f"{SCHEME}{address.repository}{f'/{address.place}' if address.place else ''}"
    if not generators:
        others = sorted({str(path) for path in map(PurePosixPath, files) if path.suffix == ".pth"})
        raise ModelError(
            f"{what}: holds no .pth generator of so-vits-svc or RVC"
            f"{f'; the repository has {_listed(others)}' if others else ''}"
        )
    choices = [f"{SCHEME}{address.repository}/{path}" for path in generators]
    raise ModelError(f"{what}: holds {len(generators)} models; name one: {_listed(choices)}")


def _generators(checkpoints: list[PurePosixPath]) -> list[PurePosixPath]:
    """Of so-vits-svc the newest in each folder, of RVC all."""
    newest: dict[PurePosixPath, PurePosixPath] = {}
    others: list[PurePosixPath] = []
    for path in checkpoints:
        step = checkpoint_step(path.name)
        if step is not None:
            rival = newest.get(path.parent)
            if rival is None or step > (checkpoint_step(rival.name) or 0):
                newest[path.parent] = path
        elif not path.name.startswith("D_"):
            others.append(path)
    # a folder of so-vits-svc holds no models of RVC; what else lies there is something else
    return [*newest.values(), *(path for path in others if path.parent not in newest)]


def _beside(checkpoint: PurePosixPath, files: tuple[str, ...]) -> list[str]:
    """What is read together with a checkpoint."""
    neighbours = [path for path in map(PurePosixPath, files) if path.parent == checkpoint.parent]
    wanted = [path for path in neighbours if path.suffix == ".index"]
    if checkpoint_step(checkpoint.name) is not None:
        names = {path.name for path in neighbours}
        if "config.json" not in names:
            raise ModelError(f"{checkpoint}: has no config.json beside it in the repository")
        discriminator = matching_discriminator(checkpoint.name, names)
        wanted += [
            path
            for path in neighbours
            if path.name in ("config.json", discriminator)
            or (path.suffix == ".pt" and "kmeans" in path.name.lower())
        ]
    return [path.as_posix() for path in wanted]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
