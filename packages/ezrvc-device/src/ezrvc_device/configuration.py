"""Frozen configuration sections and the one way they are read.

Each package owns its section (a subclass of `Section`); the application composes them. The path
is always the same: preset YAML, then the user's file, then `--set a.b=value`, then a validated
object, then `config.yaml` in the run.
"""

import difflib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML, YAMLError

from ezrvc_device.atomic import write_text
from ezrvc_device.errors import ConfigurationError


class Section(BaseModel):
    """A frozen part of a configuration: unknown keys and wrong types are errors.

    Values that follow from others (a hop length from upsample rates) are properties.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True
    )

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any], *, source: str = "configuration") -> Self:
        """Validate a tree as read from YAML (lists become tuples, strings become paths).

        Raises:
            ConfigurationError: names each wrong key with its nearest right one, and each wrong
                value with what is allowed.
        """
        try:
            return cls.model_validate_json(_as_json(tree))
        except ValidationError as error:
            lines = [_explain(cls, detail) for detail in error.errors()]
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
        tree = _yaml().load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error})") from error
    except YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{path}: not valid YAML ({reason})") from error
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
    _yaml().dump(dict(tree), stream)
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
        if not equals or not name.strip():
            raise ConfigurationError(f"--set {assignment!r}: write it as section.key=value")
        try:
            value = _yaml().load(text)
        except YAMLError as error:
            raise ConfigurationError(f"--set {assignment!r}: the value is not YAML") from error
        for key in reversed(name.strip().split(".")):
            value = {key: value}
        tree = merge(tree, value)
    return tree


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.allow_unicode = True
    yaml.width = 100
    yaml.sort_base_mapping_type_on_output = False  # pyright: ignore[reportAttributeAccessIssue]
    return yaml


def _as_json(tree: Mapping[str, Any]) -> str:
    from pydantic_core import to_json

    return to_json(tree).decode()


def _explain(section: type[BaseModel], detail: ErrorDetails) -> str:
    """One validation failure in words."""
    location = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = _known_keys(section, detail["loc"][:-1])
        near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        return f"unknown key {location!r}, {hint}"
    if detail["type"] == "missing":
        return f"{location!r} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{location or 'value'} = {detail['input']!r}: {message[0].lower()}{message[1:]}"


def _known_keys(section: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    current: type[BaseModel] | None = section
    for part in location:
        field = current.model_fields.get(str(part)) if current is not None else None
        annotation = field.annotation if field is not None else None
        is_section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        current = annotation if is_section else None
    return list(current.model_fields) if current is not None else []
