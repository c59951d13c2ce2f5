"""`ezrvc demo`: do it all once on sample recordings."""

import click

from ezrvc_cli.options import device_option, json_option, workers_option


@click.command(name="demo")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=str), default="demo",
    show_default=True, help="Folder for everything the demo makes.",
)  # fmt: skip
@click.option(
    "--steps", type=click.IntRange(min=1), default=180, show_default=True, help="Training steps."
)
@device_option
@workers_option
@json_option
def command(
    output: str, steps: int, device: str | None, workers: int | None, as_json: bool
) -> None:
    """Prepare sample recordings, train a tiny voice on them, and convert two others into it."""
    from pathlib import Path

    from ezrvc_cli.console import print_json, progress_display
    from ezrvc_cli.demo.tour import take_tour
    from ezrvc_cli.training_display import TrainingDisplay

    with progress_display() as progress:
        result = take_tour(
            Path(output).resolve(),
            steps=steps,
            device=device,
            workers=workers,
            progress=progress,
            observers=[TrainingDisplay(progress)],
        )
    if as_json:
        print_json(
            {
                "page": result.page,
                "conversions": result.conversions,
                "pictures": result.pictures,
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
