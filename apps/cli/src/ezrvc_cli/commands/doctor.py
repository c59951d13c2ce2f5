"""`ezrvc doctor`: say where ezrvc runs and what is missing."""

import click

from ezrvc_cli.options import device_option, json_option


@click.command(name="doctor")
@device_option
@json_option
def command(device: str | None, as_json: bool) -> None:
    """Say where ezrvc runs, which devices and weights are there, and what is missing."""
    from dataclasses import asdict

    from ezrvc_cli.console import print_json, progress_display
    from ezrvc_cli.pipeline.doctor import diagnose
    from ezrvc_device.storage import find_storage

    with progress_display():
        diagnosis = diagnose(find_storage(), device)
    if as_json:
        tree = asdict(diagnosis)
        tree["facts"] = {title: dict(rows) for title, rows in diagnosis.facts.items()}
        print_json(tree)
    else:
        width = max(len(what) for rows in diagnosis.facts.values() for what, _ in rows)
        for title, rows in diagnosis.facts.items():
            click.echo(click.style(title, bold=True))
            for what, finding in rows:
                click.echo(f"  {what:<{width}} {finding}")
        for note in diagnosis.notes:
            click.echo(f"note: {note}")
        for problem in diagnosis.problems:
            click.echo(f"problem: {problem}", err=True)
        if not diagnosis.problems:
            click.echo("all is well")
    if diagnosis.problems:
        raise click.exceptions.Exit(1)
