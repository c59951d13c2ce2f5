"""What preprocessing did, for people (lines) and for machines (a JSON tree)."""

from typing import Any

from ezrvc_cli.pipeline.preprocess import PreprocessResult


def preprocess_lines(result: PreprocessResult) -> list[str]:
    """Counts, and every recording and clip that was left out with its reason."""
    made, extracted = result.preparation, result.extraction
    lines = [f"skipped {each.path}: {each.reason}" for each in made.skipped]
    lines += [f"ignored {path}: neither sound nor video by its name" for path in made.ignored]
    lines += [f"no features for {path}: {reason}" for path, reason in extracted.failures]
    speakers = ", ".join(f"{name} ({n})" for name, n in made.speakers.items())
    return [
        *lines,
        f"recordings  {made.n_sources}, of which {made.n_unchanged} were done before and "
        f"{len(made.skipped)} skipped",
        f"clips       {made.n_clips} of {speakers}: {made.seconds_kept / 60:.1f} minutes kept of "
        f"{made.seconds_read / 60:.1f}",
        f"lists       {made.n_train} clips to train on, {made.n_validation} held out",
        f"features    {extracted.n_made} made, {extracted.n_kept} kept, "
        f"{len(extracted.failures)} failed",
        f"ready       {result.experiment.root}",
        f"next        ezrvc train {result.experiment.name}",
    ]


def preprocess_summary(result: PreprocessResult) -> dict[str, Any]:
    """The same as a tree."""
    made, extracted = result.preparation, result.extraction
    return {
        "experiment": result.experiment.name,
        "folder": result.experiment.root,
        "speakers": dict(made.speakers),
        "recordings": made.n_sources,
        "unchanged": made.n_unchanged,
        "skipped": [{"path": each.path, "reason": each.reason} for each in made.skipped],
        "ignored": list(made.ignored),
        "clips": made.n_clips,
        "train": made.n_train,
        "validation": made.n_validation,
        "seconds_read": made.seconds_read,
        "seconds_kept": made.seconds_kept,
        "features": {"made": extracted.n_made, "kept": extracted.n_kept},
        "failures": [{"path": path, "reason": reason} for path, reason in extracted.failures],
    }
