"""`ezrvc evaluate`: say how good conversions are, in numbers and pictures."""

import click

from ezrvc_cli.options import device_option, json_option, set_option


@click.command(
    name="evaluate",
    epilog="Examples: ezrvc evaluate songs/ converted/ --target data/raw/sza --require 'wer<0.15'; "
    "ezrvc evaluate --voice sza --list test.csv",
)
@click.argument("folders", nargs=-1, metavar="[[REFERENCE] CONVERTED]")
@click.option(
    "--voice", default=None, metavar="NAME",
    help="Convert the recordings of --list into this voice first.",
)  # fmt: skip
@click.option(
    "--list", "test_list", type=click.Path(path_type=str), default=None, metavar="FILE",
    help="CSV with the columns path and, if known, text: what --voice is to convert.",
)  # fmt: skip
@click.option("--speaker", default=None, metavar="NAME", help="Of the voice, as in convert.")
@click.option(
    "--pitch", type=float, default=0.0, metavar="SEMITONES",
    help="How much higher the conversions are (made) than their references.",
)  # fmt: skip
@click.option(
    "--target", "targets", multiple=True, type=click.Path(path_type=str), metavar="PATH",
    help="A recording, or a folder of them, of the voice that should be heard "
    "[default with --voice: its held-out clips]",
)  # fmt: skip
@click.option(
    "--texts", type=click.Path(path_type=str), default=None, metavar="FILE",
    help="CSV with the columns name and text: what is said  [default: NAME.txt beside NAME.wav]",
)  # fmt: skip
@click.option(
    "--against", type=click.Path(path_type=str), default=None, metavar="PATH",
    help="Another run to compare with: its report.json, or a folder of conversions.",
)  # fmt: skip
@click.option(
    "--require", "requirements", multiple=True, metavar="METRIC<NUMBER",
    help="Fail (exit code 1) unless this holds, e.g. 'wer<0.15'; may be given several times.",
)  # fmt: skip
@click.option(
    "--metrics", "metrics", default=None, metavar="NAME,...",
    help="Only these metrics or families, e.g. wer,pitch,dnsmos.",
)  # fmt: skip
@click.option(
    "--whisper", default=None, metavar="MODEL",
    help="For WER: a size, a Hub repository or a folder  [default: base]",
)  # fmt: skip
@click.option("--language", default=None, metavar="CODE", help="Of what is said, e.g. en.")
@click.option(
    "-o", "--output", type=click.Path(path_type=str), default="evaluation",
    show_default=True, help="Folder of report.html and report.json.",
)  # fmt: skip
@set_option("f0_method=fcpe")
@device_option
@json_option
def command(
    folders: tuple[str, ...],
    voice: str | None,
    test_list: str | None,
    speaker: str | None,
    pitch: float,
    targets: tuple[str, ...],
    texts: str | None,
    against: str | None,
    requirements: tuple[str, ...],
    metrics: str | None,
    whisper: str | None,
    language: str | None,
    output: str,
    assignments: tuple[str, ...],
    device: str | None,
    as_json: bool,
) -> None:
    """Measure conversions, and leave a page of numbers, pictures and sound.

    A folder alone is judged by itself; with the folder it was made from, against that; with --voice
    and --list, what the voice makes of the list. Files are matched by name: song_sza.wav was made
    from song.m4a.
    """
    from pathlib import Path

    from ezrvc_cli.console import print_json, progress_display
    from ezrvc_cli.evaluation_reports import evaluation_lines, evaluation_summary
    from ezrvc_cli.pipeline.evaluate import (
        EvaluationRequest,
        evaluate,
        evaluation_configuration,
    )
    from ezrvc_device.storage import find_storage
    from ezrvc_eval import Requirement

    if (voice is None) != (test_list is None) or bool(folders) == bool(voice) or len(folders) > 2:
        raise click.UsageError("give CONVERTED, or REFERENCE and CONVERTED, or --voice with --list")
    config = evaluation_configuration(
        assignments, metrics=metrics, whisper=whisper, language=language
    )
    bounds = [Requirement.parse(text) for text in requirements]
    request = EvaluationRequest(
        converted=Path(folders[-1]) if folders else None,
        reference=Path(folders[0]) if len(folders) == 2 else None,
        voice=voice,
        speaker=speaker,
        test_list=Path(test_list) if test_list else None,
        transpose_semitones=pitch,
        targets=tuple(Path(each) for each in targets),
        texts=Path(texts) if texts else None,
        against=Path(against) if against else None,
        requirements=tuple(bounds),
        output=Path(output),
    )
    with progress_display() as progress:
        outcome = evaluate(
            find_storage(), request, config, device=device or "auto", progress=progress
        )
    if as_json:
        print_json(evaluation_summary(outcome))
    else:
        for line in evaluation_lines(outcome):
            click.echo(line)
    for line in outcome.unmet:
        click.echo(f"error: {line}", err=True)
    for name, reason in outcome.evaluation.failures:
        click.echo(f"error: {reason if name in reason else f'{name}: {reason}'}", err=True)
    if outcome.unmet or outcome.evaluation.failures:
        raise click.exceptions.Exit(1)
