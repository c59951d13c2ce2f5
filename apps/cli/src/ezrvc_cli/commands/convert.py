"""`ezrvc convert`: convert recordings into a voice."""

import click

from ezrvc_cli.options import PitchShift, device_option, json_option, set_option


@click.command(
    name="convert",
    epilog="Example: ezrvc convert song.m4a --speaker sza --pitch +3 -o out.wav",
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o", "--output", type=click.Path(path_type=str), default=None,
    help="A file (wav, flac, mp3, ogg, opus, m4a), or a folder for several inputs "
    "[default: beside the input]",
)  # fmt: skip
@click.option(
    "--speaker", default=None, metavar="NAME",
    help="Whose voice; or a mix of speakers of one voice, e.g. ada:0.7,grace:0.3",
)  # fmt: skip
@click.option(
    "--speaker-curve", type=click.Path(path_type=str), default=None, metavar="FILE",
    help="A mix that changes: CSV or JSON points of time_s, speaker, weight.",
)  # fmt: skip
@click.option(
    "--voice", default=None, metavar="NAME",
    help="The model to use, by name in models/ or by folder, when several know the speaker.",
)  # fmt: skip
@click.option(
    "--pitch", type=PitchShift(), default=None, metavar="SEMITONES",
    help="Shift the pitch, e.g. +3; auto: to where the target speaker is used to speak "
    "[default: auto into a built-in voice, else 0]",
)  # fmt: skip
@click.option(
    "--enhance", is_flag=True,
    help="Make the result anew with NSF-HiFiGAN; its published weights are under "
    "CC BY-NC-SA 4.0: no commercial use.",
)  # fmt: skip
@click.option(
    "--f0-csv", type=click.Path(path_type=str), default=None, metavar="FILE",
    help="Pitch by hand: time_s,f0_hz rows that override what is found in the one INPUT.",
)  # fmt: skip
@click.option("--seed", type=int, default=None, help="Of the noise; the same seed, the same sound.")
@set_option("block_s=10")
@device_option
@json_option
def command(
    inputs: tuple[str, ...],
    output: str | None,
    speaker: str | None,
    speaker_curve: str | None,
    voice: str | None,
    pitch: float | str | None,
    f0_csv: str | None,
    enhance: bool,
    seed: int | None,
    assignments: tuple[str, ...],
    device: str | None,
    as_json: bool,
) -> None:
    """Convert recordings, or a folder of them, into a voice.

    The result is as long as the input. Without --speaker the only voice there is is used, and where
    there is none yet, a built-in one.
    """
    from pathlib import Path

    from ezrvc_cli.console import print_json, progress_display, say
    from ezrvc_cli.conversion_reports import conversion_lines, conversion_summary
    from ezrvc_cli.pipeline.convert import choose_target, find_inputs, plan_outputs
    from ezrvc_device.configuration import merge, parse_overrides
    from ezrvc_device.storage import find_storage
    from ezrvc_model.conversion import ConversionSettings, VoiceConverter
    from ezrvc_model.vocoders.published import licence_notice
    from ezrvc_model.voice import VoiceModel

    if speaker is not None and speaker_curve is not None:
        raise click.UsageError("give --speaker or --speaker-curve, not both")
    files = find_inputs(inputs)
    storage = find_storage()
    curve = Path(speaker_curve) if speaker_curve is not None else None
    chosen = choose_target(storage.models, speaker=speaker, curve=curve, voice=voice)
    if pitch is None:
        pitch = chosen.customary_pitch if f0_csv is None else 0.0
    options: dict[str, object] = {"transpose_semitones": pitch}
    if enhance:
        options["enhance"] = True
    if seed is not None:
        options["seed"] = seed
    if f0_csv is not None:
        options["f0_csv"] = f0_csv
    overrides = parse_overrides(assignments)
    settings = ConversionSettings.from_tree(
        merge(options, overrides.get("convert", overrides)), source="--set"
    )
    targets = plan_outputs(files, Path(output) if output else None, chosen.label)
    say(f"voice {str(chosen.speaker)!r} of {chosen.folder}", as_json=as_json)
    if settings.enhance:
        say(f"notice: {licence_notice(settings.enhancer_weights)}", as_json=as_json)
    model = VoiceModel.load(chosen.folder)
    with progress_display() as progress:
        converter = VoiceConverter(model, device=device or "auto")
        report = converter.convert_files(
            list(zip(files, targets, strict=True)),
            speaker=chosen.speaker,
            settings=settings,
            progress=progress,
        )
    if as_json:
        print_json(conversion_summary(report))
    else:
        for line in conversion_lines(report):
            click.echo(line)
    if report.failures:
        for path, reason in report.failures:
            click.echo(f"error: {reason if str(path) in reason else f'{path}: {reason}'}", err=True)
        raise click.exceptions.Exit(1)
