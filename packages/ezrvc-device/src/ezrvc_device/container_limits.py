"""How much of the host a container may use: Linux control groups, versions 1 and 2."""

from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")

_UNLIMITED_BYTES = 1 << 60
"""Version 1 writes "no limit" as a number near 2**63."""


def cpu_limit(root: Path = _ROOT) -> float | None:
    """Processors' worth of time this container may use; None: not limited."""
    quota, _, period = _read(root / "cpu.max").partition(" ")
    if not quota:
        quota = _read(root / "cpu" / "cpu.cfs_quota_us")
        period = _read(root / "cpu" / "cpu.cfs_period_us")
    quota_us, period_us = _number(quota), _number(period)
    return quota_us / period_us if quota_us and period_us else None


def memory_limit(root: Path = _ROOT) -> int | None:
    """Bytes this container may hold; None: not limited."""
    limit = _number(_read(root / "memory.max"))
    limit = limit or _number(_read(root / "memory" / "memory.limit_in_bytes"))
    return limit if limit and limit < _UNLIMITED_BYTES else None


def memory_usage(root: Path = _ROOT) -> int | None:
    """Bytes this container holds now, its reclaimable file cache aside; None: not known."""
    for usage_file, statistics_file, key in (
        (root / "memory.current", root / "memory.stat", "inactive_file"),
        (
            root / "memory" / "memory.usage_in_bytes",
            root / "memory" / "memory.stat",
            "total_inactive_file",
        ),
    ):
        usage = _number(_read(usage_file))
        if usage is not None:
            return max(0, usage - _statistic(_read(statistics_file), key))
    return None


def _statistic(text: str, key: str) -> int:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return _number(value) or 0
    return 0


def _read(path: Path) -> str:
    """A control file's text; empty where the system has no such file."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _number(text: str) -> int | None:
    """A count; None for `max`, for -1 (no limit) and for nothing."""
    return int(text) if text.isdecimal() else None
