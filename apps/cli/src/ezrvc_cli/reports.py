"""What a command did, for people (lines) and for machines (a JSON tree)."""

from typing import Any

from ezrvc_cli.pipeline.preprocess import PreprocessResult
from ezrvc_cli.training_reports import base_summary
from ezrvc_model.conversion import ConversionReport
from ezrvc_model.training import TrainingResult


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


def training_lines(result: TrainingResult) -> list[str]:
    """What training did, what it ended with, and what to do next."""
    lines = [f"left out    {each.path}: {each.reason}" for each in result.left_out]
    lines += [f"damaged     {path}: set aside" for path in result.damaged_checkpoints]
    lines.append(f"beginning   {result.beginning}")
    if result.already_complete:
        lines.append(
            f"nothing to do: {result.steps} steps are trained; for more: ezrvc train --steps N"
        )
    else:
        lines.append(f"trained     {result.steps} steps in all, {result.steps_now} now")
    shown = {name: value for name, value in result.metrics.items() if "mel" in name}
    lines += [f"            {name} {value:.3f}" for name, value in shown.items()]
    lines.append(f"voice       {result.voice}")
    if result.advice is not None:
        lines.append(f"advice      {result.advice}")
    if result.interrupted:
        lines.append("stopped     saved; run the same command to go on")
    else:
        lines.append("next        ezrvc convert INPUT -o out.wav")
    return lines


def training_summary(result: TrainingResult) -> dict[str, Any]:
    """The same as a tree."""
    return {
        "run": result.run,
        "voice": result.voice,
        "steps": result.steps,
        "steps_now": result.steps_now,
        "resumed_from": result.resumed_from,
        "damaged_checkpoints": list(result.damaged_checkpoints),
        "left_out": [{"path": each.path, "reason": each.reason} for each in result.left_out],
        "metrics": dict(result.metrics),
        "seconds": result.duration_s,
        "interrupted": result.interrupted,
        "advice": result.advice,
        "beginning": result.beginning,
        "base": None if result.base is None else base_summary(result.base),
    }


def conversion_lines(report: ConversionReport) -> list[str]:
    """Each result, with advice; and the speed."""
    lines: list[str] = []
    for file in report.files:
        silent = " (silence)" if file.silent else ""
        shift = file.transpose_semitones
        shifted = f", {shift:+g} semitones" if shift else ""
        lines.append(f"{file.output}  {file.duration_s:.2f} s{shifted}{silent}")
        lines += [f"advice: {advice}" for advice in file.advice]
    if report.files:
        factor = report.elapsed_s / report.duration_s
        lines.append(
            f"converted {len(report.files)} into {report.files[0].speaker!r}, "
            f"{report.duration_s:.1f} s of sound in {report.elapsed_s:.1f} s "
            f"(real-time factor {factor:.2f})"
        )
    return lines


def conversion_summary(report: ConversionReport) -> dict[str, Any]:
    """The same as a tree."""
    return {
        "converted": [
            {
                "input": file.input,
                "output": file.output,
                "voice": file.voice,
                "speaker": file.speaker,
                "seconds": file.duration_s,
                "elapsed_s": file.elapsed_s,
                "real_time_factor": file.real_time_factor,
                "transpose_semitones": file.transpose_semitones,
                "silent": file.silent,
                "advice": list(file.advice),
                "notices": list(file.notices),
            }
            for file in report.files
        ],
        "failures": [{"path": path, "reason": reason} for path, reason in report.failures],
    }
