"""Every tensor of a file accounted for: used, or named in the refusal."""

from collections.abc import Mapping

import torch

from ezrvc_model.errors import ModelError

MOST_ROWS = 40
"""Tensors that a refusal lists."""


def account_for(
    found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Size], what: str
) -> None:
    """Make sure that a file holds just the tensors that a network needs.

    Args:
        found: what the file holds, by its names.
        expected: shapes of what is needed, by the same names.
        what: the file and what it is held against, for the message.

    Raises:
        ModelError: something is missing, unknown or mis-shaped; the message ends in a table.
    """
    rows = [("missing", name, "", _shape(expected[name])) for name in expected if name not in found]
    rows += [
        ("unknown", name, _shape(found[name].shape), "") for name in found if name not in expected
    ]
    rows += [
        ("mis-shaped", name, _shape(found[name].shape), _shape(shape))
        for name, shape in expected.items()
        if name in found and found[name].shape != shape
    ]
    if not rows:
        return
    kinds = [kind for kind, *_ in rows]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    raise ModelError(f"{what}: {counts} tensors\n{_table(rows)}")


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    shown = [("", "tensor", "in the file", "needed"), *rows[:MOST_ROWS]]
    widths = [max(len(row[column]) for row in shown) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
    if len(rows) > MOST_ROWS:
        lines.append(f"and {len(rows) - MOST_ROWS} more")
    return "\n".join(lines)


def _shape(shape: torch.Size) -> str:
    return "x".join(str(size) for size in shape) or "scalar"
