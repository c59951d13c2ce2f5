"""`ezrvc demo`: do it all once on sample recordings."""

import click

from ezrvc_cli.options import device_option, json_option, workers_option


@click.command(name="demo")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=str), default="demo",
    show_default=True, help="Folder for everything the demo makes.",
)  # fmt: skip
@click.option(
    "--steps", type=click.IntRange(min=1), default=None,
    help="Training steps  [default: as many as take about a minute on two CPU cores]",
)  # fmt: skip
@click.option(
    "--whisper", default=None, metavar="MODEL",
    help="Score the words, too: a size, which is fetched, a Hub repository or a folder  "
    "[default: base, if it is here]",
)  # fmt: skip
@device_option
@workers_option
@json_option
def command(
    output: str,
    steps: int | None,
    whisper: str | None,
    device: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Convert samples into built-in voices, learn a new voice, convert into it, and score all."""
    from pathlib import Path

    from ezrvc_cli.console import print_json, progress_display
    from ezrvc_cli.demo.tour import STEPS, take_tour
    from ezrvc_cli.training_display import TrainingDisplay

    with progress_display() as progress:
        result = take_tour(
            Path(output).resolve(),
            steps=steps or STEPS,
            device=device,
            workers=workers,
            whisper=whisper,
            progress=progress,
            observers=[TrainingDisplay(progress)],
        )
    if as_json:
        print_json(
            {
                "page": result.page,
                "conversions": result.conversions,
                "pictures": result.pictures,
                "scores": result.scores,
                "notice": result.notice,
                "steps": result.training.steps,
                "seconds": round(result.seconds, 1),
            }
        )
        return
    click.echo(f"done in {result.seconds:.0f} s")
    for path in result.conversions:
        click.echo(f"converted  {path}")
    for path in result.pictures:
        click.echo(f"picture    {path}")
    click.echo(f"look at    {result.page}")
    click.echo(f"note: {result.notice}")
