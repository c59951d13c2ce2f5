"""Frozen configuration sections and the one way they are read.

Each package owns its section (a subclass of `Section`); the application composes them. The path
is always the same: preset YAML, then the user's file, then `--set a.b=value`, then a validated
object, then `config.yaml` in the run.
"""

import difflib
import io
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Self, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, to_json

from ezrvc_device.atomic import write_text
from ezrvc_device.errors import ConfigurationError

if TYPE_CHECKING:
    from ruamel.yaml import YAML


class Section(BaseModel):
    """A frozen part of a configuration: unknown keys and wrong types are errors.

    Values that follow from others (a hop length from upsample rates) are properties.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any], *, source: str = "configuration") -> Self:
        """Validate a tree as read from YAML (lists become tuples, strings become paths).

        Raises:
            ConfigurationError: names each wrong key with its nearest right one, and each wrong
                value with what is allowed.
        """
        try:
            return cls.model_validate_json(to_json(tree, inf_nan_mode="constants"))
        except ValidationError as error:
            lines = _explain_all(cls, error.errors())
            raise ConfigurationError(f"{source}: " + "; ".join(lines)) from None

    def to_tree(self) -> dict[str, Any]:
        """The section as plain YAML values."""
        return self.model_dump(mode="json")


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 file (`1e-4` is a number) that holds a mapping.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or is not a mapping.
    """
    try:
        tree = _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"{path}: cannot be read ({reason})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text ({error})") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not valid YAML ({error})") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigurationError(f"{path}: expected keys and values, got {type(tree).__name__}")
    return cast(dict[str, Any], tree)


def save_yaml(path: Path, tree: Mapping[str, Any]) -> None:
    """Write a tree as YAML, whole or not at all."""
    write_text(path, dump_yaml(tree))


def dump_yaml(tree: Mapping[str, Any]) -> str:
    """A tree as YAML text."""
    stream = io.StringIO()
    cast(Any, _yaml()).dump(dict(tree), stream)
    return stream.getvalue()


def merge(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Lay trees over each other, later ones on top; mappings merge, everything else replaces."""
    merged: dict[str, Any] = {}
    for tree in trees:
        for key, value in tree.items():
            below = merged.get(key)
            if isinstance(below, Mapping) and isinstance(value, Mapping):
                merged[key] = merge(cast(Mapping[str, Any], below), cast(Mapping[str, Any], value))
            else:
                merged[key] = value
    return merged


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `a.b=value` assignments into a tree; values are YAML.

    Raises:
        ConfigurationError: an assignment has no `=` or its value is not YAML.
    """
    tree: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        keys = [key.strip() for key in name.split(".")]
        if not equals or not all(keys):
            raise ConfigurationError(f"--set {assignment!r}: write it as section.key=value")
        try:
            value = _parse(text)
        except ValueError as error:
            raise ConfigurationError(
                f"--set {assignment!r}: the value is not YAML ({error})"
            ) from error
        for key in reversed(keys):
            value = {key: value}
        tree = merge(tree, value)
    return tree


def _yaml() -> "YAML":
    """A YAML 1.2 reader and writer; what it reads is untyped until a section validates it."""
    from ruamel.yaml import YAML  # here, not above: `import ezrvc_device` stays light

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.allow_unicode = True
    yaml.width = 100
    yaml.sort_base_mapping_type_on_output = False  # pyright: ignore[reportAttributeAccessIssue]
    return yaml


def _parse(text: str) -> Any:
    """The values of a YAML text.

    Raises:
        ValueError: it is not YAML; the message is one line.
    """
    from ruamel.yaml import YAMLError

    try:
        return cast(Any, _yaml()).load(text)
    except YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _explain_all(section: type[BaseModel], details: Iterable[ErrorDetails]) -> list[str]:
    """Failures in words; what each member of a union would have taken becomes one line."""
    lines: dict[str, list[str]] = {}
    for detail in details:
        what, allowed = _explain(section, detail)
        so_far = lines.setdefault(what, [])
        so_far.append(allowed.removeprefix("input should be ") if so_far else allowed)
    explained: list[str] = []
    for what, allowed in lines.items():
        near = [hint for hint in allowed if hint.startswith("did you mean")]
        explained.append(what + " or ".join(dict.fromkeys(near or allowed)))
    return explained


def _explain(section: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    """One validation failure in words: what is wrong, and what is allowed."""
    path, owners = _walk(section, detail["loc"])
    location = ".".join(path)
    if detail["type"] == "extra_forbidden":
        known = sorted({key for owner in owners for key in owner.model_fields})
        near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        return f"unknown key {location!r}, ", hint
    if detail["type"] == "missing":
        return f"{location!r} is missing", ""
    message = " ".join(detail["msg"].removeprefix("Value error, ").split())
    value = reprlib.repr(detail["input"])
    return f"{location or 'value'} = {value}: ", message[0].lower() + message[1:]


def _walk(
    section: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[list[str], list[type[BaseModel]]]:
    """Follow a failure's location through the sections.

    Pydantic puts the names of a union's members into the location; they are not keys and are left
    out.

    Returns:
        The keys as the user wrote them, and the sections that may own the last of them.
    """
    path: list[str] = []
    owners: list[type[BaseModel]] = []
    inside: list[type[BaseModel]] = [section]
    leaf = False
    for part in location:
        chosen = [owner for owner in inside if path and _is_name_of(part, owner)]
        if chosen:
            inside = chosen
            continue
        if path and leaf and isinstance(part, str):  # int, constrained-float, literal['auto']
            continue
        path.append(str(part))
        fields = [owner.model_fields[str(part)] for owner in inside if part in owner.model_fields]
        leaf = any(_is_union_of_values(field.annotation) for field in fields)
        if fields or len(path) == 1:
            owners, inside = inside, [s for field in fields for s in _sections_in(field.annotation)]
        elif isinstance(part, str):  # an unknown key, or a key of a mapping of sections
            owners = inside
    return path, owners


def _is_name_of(part: int | str, member: type[BaseModel]) -> bool:
    """Whether pydantic means a union's member: `Slicer` or `function-after[check(), Slicer]`."""
    name = member.__name__
    return part == name or bool(re.search(rf"^function-.*\b{re.escape(name)}\]+$", str(part)))


def _is_union_of_values(annotation: Any) -> bool:
    """Whether a field takes one of several kinds of plain values, as `int | Literal["auto"]`."""
    if get_origin(annotation) not in (Union, UnionType):
        return False
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    mapping = any(get_origin(kind) in (dict, Mapping) for kind in kinds)
    return len(kinds) > 1 and not mapping and not _sections_in(annotation)


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    """The sections a field may hold, through Optional, unions, tuples and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections_in(part)]
