"""`ezrvc train`: train a voice; `ezrvc train status`: how training stands."""

from typing import Any

import click

from ezrvc_cli.options import config_option, device_option, json_option, set_option


class _TrainCommand(click.Command):
    """`train [EXPERIMENT]`, which gives way to `train status [EXPERIMENT]`."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args and args[0] == "status":
            return status.make_context(f"{info_name} status", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


@click.command(name="status")
@click.argument("experiment", required=False, metavar="[EXPERIMENT]")
@json_option
def status(experiment: str | None, as_json: bool) -> None:
    """Say how a run stands, the one of the experiment prepared last or the one named."""
    from ezrvc_cli.console import print_json
    from ezrvc_cli.pipeline.train import find_run
    from ezrvc_cli.training_reports import status_lines, status_summary
    from ezrvc_device.storage import find_storage
    from ezrvc_model.training import read_status

    found = read_status(find_run(find_storage(), experiment))
    if as_json:
        print_json(dict(status_summary(found)))
    else:
        for line in status_lines(found):
            click.echo(line)


@click.command(
    name="train",
    cls=_TrainCommand,
    epilog="Examples: ezrvc train --set train.batch_size=16; ezrvc train --base nova; "
    "ezrvc train status",
)
@click.argument("experiment", required=False, metavar="[EXPERIMENT]")
@click.option(
    "--run", "run_name", default=None, metavar="NAME",
    help="Name of the run in models/  [default: the experiment's]",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), default=None, help="Train up to this step.")
@click.option(
    "--base", default=None, metavar="VOICE|FOLDER|FILE",
    help="Start from a voice or run, or from a model of so-vits-svc or RVC; none: from nothing  "
    "[default: the built-in voice where preset and encoder are its own]",
)  # fmt: skip
@click.option(
    "--measure", multiple=True, metavar="METRIC",
    help="Measure this of held-out clips, e.g. speaker_similarity; may be given several times  "
    "[default: f0_rmse and f0_correlation]",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be done and how long it would take.")
@config_option
@set_option("train.batch_size=16")
@device_option
@json_option
def command(
    experiment: str | None,
    run_name: str | None,
    steps: int | None,
    base: str | None,
    measure: tuple[str, ...],
    dry_run: bool,
    config_file: str | None,
    assignments: tuple[str, ...],
    device: str | None,
    as_json: bool,
) -> None:
    """Train the experiment prepared last, or the one named; goes on where it stopped.

    Ctrl-C saves and stops. The voice is in models/NAME/voice, ready for `ezrvc convert`.
    """
    from ezrvc_cli.console import progress_display, say
    from ezrvc_cli.pipeline.preprocess import check_name
    from ezrvc_cli.pipeline.train import choose_experiment, training_configuration
    from ezrvc_device.storage import find_storage

    storage = find_storage()
    chosen = choose_experiment(storage, experiment)
    asked = {"max_steps": steps, "base": base}
    config = training_configuration(
        chosen,
        config_file=config_file,
        assignments=assignments,
        options={"train": {name: value for name, value in asked.items() if value is not None}},
    )
    run = check_name(run_name or chosen.name, what="run")
    if dry_run:
        from ezrvc_cli.pipeline.train import plan

        with progress_display() as progress:
            planned = plan(storage, chosen, config, run=run, device=device, progress=progress)
        _show_plan(planned, as_json=as_json)
        return
    from ezrvc_cli.pipeline.train import train
    from ezrvc_cli.training_display import TrainingDisplay

    say(f"training {run!r} on experiment {chosen.name!r}", as_json=as_json)
    with progress_display(told_by="ezrvc_model.training") as progress:
        result = train(
            storage,
            chosen,
            config,
            run=run,
            device=device,
            progress=progress,
            observers=[TrainingDisplay(progress)],
            measure=measure,
        )
    _show_result(result, as_json=as_json)
    if result.interrupted:
        raise click.exceptions.Exit(130)


def _show_plan(plan: Any, *, as_json: bool) -> None:
    from ezrvc_cli.console import print_json
    from ezrvc_cli.training_reports import plan_lines, plan_summary

    if as_json:
        print_json(plan_summary(plan))
        return
    if plan.base is not None:
        _show_base(plan.base)
    for line in plan_lines(plan):
        click.echo(line)


def _show_result(result: Any, *, as_json: bool) -> None:
    from ezrvc_cli.console import print_json
    from ezrvc_cli.training_reports import training_lines, training_summary

    if as_json:
        print_json(training_summary(result))
        return
    if result.base is not None:
        _show_base(result.base)
    for line in training_lines(result):
        click.echo(line)


def _show_base(report: Any) -> None:
    from ezrvc_cli.tables import print_table
    from ezrvc_cli.training_reports import base_lines, base_rows

    print_table(("part", "layers", "numbers", "fate"), base_rows(report))
    for line in base_lines(report):
        click.echo(line)
