"""Training: what it did, how it stands, what it would do, what it took; in lines and trees."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ezrvc_model.training import BaseReport, RunStatus, TrainingPlan, TrainingResult

_MIB = 2**20


def duration_in_words(seconds: float) -> str:
    """The two greatest units: `3 d 4 h`, `2 h 5 min`, `4 min 10 s`, `9 s`."""
    left = round(seconds)
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def base_rows(report: BaseReport) -> list[tuple[str, str, str, str]]:
    """A row for each part of the networks and fate: part, layers, numbers, fate."""
    return [
        (part.part, str(part.n_layers), f"{part.n_parameters:,}",
         "taken" if not part.reason else f"afresh: {part.reason}")
        for part in report.parts
    ]  # fmt: skip


def base_lines(report: BaseReport) -> list[str]:
    """What was taken in one line, then speakers, tensors without a place, and differences."""
    lines = [f"base        {report.summary}"]
    lines += [f"speaker     {name}: {source}" for name, source in report.speakers.items()]
    if report.unused:
        shown = ", ".join(report.unused[:3])
        more = f" and {len(report.unused) - 3} more" if len(report.unused) > 3 else ""
        lines.append(f"no place    {shown}{more}")
    return [*lines, *(f"note        {note}" for note in report.notes)]


def plan_lines(plan: TrainingPlan) -> list[str]:
    """The plan, a subject a line."""
    generator, discriminator = plan.trial.n_parameters
    per_step = plan.trial.s_per_step
    begins = f"from step {plan.first_step} " if plan.first_step else ""
    return [
        f"run         {plan.run}",
        f"beginning   {plan.beginning}",
        f"device      {plan.device}, {plan.precision}",
        f"clips       {plan.n_clips}, {plan.audio_minutes:.1f} minutes of "
        f"{', '.join(plan.speakers)}",
        f"parameters  {generator:,} generator, {discriminator:,} discriminator",
        f"batch       {plan.trial.batch_size} clips a step",
        f"memory      about {plan.trial.memory / _MIB:,.0f} MiB, "
        f"{plan.memory_free / _MIB:,.0f} MiB free now",
        f"speed       {1 / per_step:.2f} steps/s or more: the longest clips, steps not recorded",
        f"steps       {begins}to {plan.max_steps}",
        f"time        at most {duration_in_words(plan.duration_s)}",
        "nothing was written; leave --dry-run out to begin",
    ]


def plan_summary(plan: TrainingPlan) -> dict[str, Any]:
    """The same as a tree."""
    return {
        "run": plan.run,
        "device": plan.device,
        "precision": plan.precision,
        "clips": plan.n_clips,
        "audio_minutes": plan.audio_minutes,
        "speakers": plan.speakers,
        "parameters": dict(
            zip(("generator", "discriminator"), plan.trial.n_parameters, strict=True)
        ),
        "batch_size": plan.trial.batch_size,
        "memory_bytes": plan.trial.memory,
        "memory_free_bytes": plan.memory_free,
        "steps_per_s": 1 / plan.trial.s_per_step,
        "first_step": plan.first_step,
        "max_steps": plan.max_steps,
        "seconds": plan.duration_s,
        "beginning": plan.beginning,
        "base": None if plan.base is None else base_summary(plan.base),
    }


def base_summary(report: BaseReport) -> dict[str, Any]:
    """What became of the base, as a tree."""
    return {
        "base": report.base,
        "files": [file.to_tree() for file in report.files],
        "taken": {name: report.share_taken(name) for name in ("generator", "discriminator")},
        "parts": [asdict(part) for part in report.parts],
        "speakers": report.speakers,
        "unused": list(report.unused),
        "notes": list(report.notes),
    }


def status_lines(status: RunStatus) -> list[str]:
    """The state, a subject a line."""
    of_all = "" if status.max_steps is None else f" of {status.max_steps}"
    lines = [
        f"run         {status.run}",
        f"state       {_state(status)}",
        f"step        {status.step}{of_all}",
        *(f"            {name} {value:.4f}" for name, value in status.losses.items()),
    ]
    if status.steps_per_s is not None:
        lines.append(f"speed       {status.steps_per_s:.2f} steps/s")
    if status.eta_s is not None and math.isfinite(status.eta_s):
        lines.append(f"to go       {duration_in_words(status.eta_s)}")
    lines.append(f"checkpoint  {status.checkpoint or 'none yet'}")
    if status.best is not None:
        kept = "" if status.best_is_kept else " (not kept)"
        lines.append(f"best        {status.best.value:.4f} at step {status.best.step}{kept}")
    if status.advice is not None:
        lines.append(f"advice      {status.advice}")
    return lines


def status_summary(status: RunStatus) -> Mapping[str, Any]:
    """The same as a tree."""
    return {**asdict(status), "finished": status.finished}


def _state(status: RunStatus) -> str:
    if status.running is None:
        return "another machine trains it, or did when it was cut off"
    if status.running:
        return "running"
    return "finished" if status.finished else "stopped; `ezrvc train` goes on"


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
