"""`ezrvc train`: train a voice."""

import click

from ezrvc_cli.options import config_option, device_option, json_option, set_option


@click.command(
    name="train",
    epilog="Example: ezrvc train --set train.batch_size=16",
)
@click.argument("experiment", required=False, metavar="[EXPERIMENT]")
@click.option(
    "--run", "run_name", default=None, metavar="NAME",
    help="Name of the run in models/  [default: the experiment's]",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), default=None, help="Train up to this step.")
@config_option
@set_option
@device_option
@json_option
def command(
    experiment: str | None,
    run_name: str | None,
    steps: int | None,
    config_file: str | None,
    assignments: tuple[str, ...],
    device: str | None,
    as_json: bool,
) -> None:
    """Train the experiment prepared last, or the one named; goes on where it stopped.

    Ctrl-C saves and stops. The voice is in models/NAME/voice, ready for `ezrvc convert`.
    """
    from ezrvc_cli.console import print_json, progress_display, say
    from ezrvc_cli.pipeline.preprocess import check_name
    from ezrvc_cli.pipeline.train import choose_experiment, train, training_configuration
    from ezrvc_cli.reports import training_lines, training_summary
    from ezrvc_cli.training_display import TrainingDisplay
    from ezrvc_device.storage import find_storage

    storage = find_storage()
    chosen = choose_experiment(storage, experiment)
    config = training_configuration(
        chosen,
        config_file=config_file,
        assignments=assignments,
        options={"train": {"max_steps": steps}} if steps is not None else None,
    )
    run = check_name(run_name or chosen.name, what="run")
    say(f"training {run!r} on experiment {chosen.name!r}", as_json=as_json)
    with progress_display() as progress:
        result = train(
            storage,
            chosen,
            config,
            run=run,
            device=device,
            progress=progress,
            observers=[TrainingDisplay(progress)],
        )
    if as_json:
        print_json(training_summary(result))
    else:
        for line in training_lines(result):
            click.echo(line)
    if result.interrupted:
        raise click.exceptions.Exit(130)
