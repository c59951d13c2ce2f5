"""`ezrvc preprocess`: recordings in, clips and features out."""

from typing import Literal

import click

from ezrvc_cli.options import (
    config_option,
    device_option,
    json_option,
    set_option,
    workers_option,
)

_RATE_PRESETS = {24000: "base-24k", 44100: "sovits-44k"}
_DEFAULT_PRESET = "base-24k"


@click.command(
    name="preprocess",
    epilog="Example: ezrvc preprocess --speaker sza   takes data/raw/sza/*",
)
@click.option(
    "--speaker", "speakers", multiple=True, required=True, metavar="NAME",
    help="Whose recordings: a folder in data/raw. Several make one model of several voices.",
)  # fmt: skip
@click.option(
    "--input", "folder", type=click.Path(path_type=str), default=None,
    help="The folder of recordings, instead of data/raw/NAME.",
)  # fmt: skip
@click.option(
    "--experiment", "name", default=None, metavar="NAME",
    help="Name of what is prepared  [default: the speaker's]",
)  # fmt: skip
@click.option(
    "--preset", default=None, metavar="NAME",
    help="tiny, base-24k or sovits-44k  [default: by --rate, else base-24k]",
)  # fmt: skip
@click.option("--rate", type=int, default=None, help="Sample rate of the voice, Hz.")
@click.option("--encoder", default=None, metavar="NAME", help="Content encoder.")
@click.option("--f0", "f0_method", default=None, metavar="NAME", help="Pitch estimator.")
@click.option(
    "--engine", type=click.Choice(["local", "ray"]), default="local",
    help="What computes the features: this machine, or Ray, here or on a cluster.",
)  # fmt: skip
@click.option(
    "--address", default=None, metavar="ADDRESS",
    help="Of a running Ray cluster that sees the same folders; for --engine ray.",
)  # fmt: skip
@config_option
@set_option("audio.slicer.max_clip_s=15")
@device_option
@workers_option
@json_option
def command(
    speakers: tuple[str, ...],
    folder: str | None,
    name: str | None,
    preset: str | None,
    rate: int | None,
    encoder: str | None,
    f0_method: str | None,
    engine: Literal["local", "ray"],
    address: str | None,
    config_file: str | None,
    assignments: tuple[str, ...],
    device: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Prepare recordings: clean clips, file lists, and the features training needs.

    Everything FFmpeg reads is taken, video too. Run it again at any time: it does only what is
    missing or changed.
    """
    if address is not None and engine != "ray":
        raise click.UsageError("--address is that of a Ray cluster: it goes with --engine ray")

    from pathlib import Path

    from ezrvc_audio.experiment import ExperimentFolder
    from ezrvc_cli.console import print_json, progress_display, warn
    from ezrvc_cli.pipeline.preprocess import (
        check_name,
        experiment_name,
        find_recordings,
        preprocess,
    )
    from ezrvc_cli.preprocess_reports import preprocess_lines, preprocess_summary
    from ezrvc_cli.settings import compose
    from ezrvc_device.storage import find_storage

    options: dict[str, dict[str, object]] = {"model": {}, "features": {}}
    if rate is not None:
        options["model"]["sample_rate"] = rate
    if encoder is not None:
        options["features"]["encoder"] = encoder
    if f0_method is not None:
        options["features"]["f0"] = {"method": f0_method}
    config = compose(
        preset=preset or _RATE_PRESETS.get(rate or 0, _DEFAULT_PRESET),
        config_file=config_file,
        assignments=assignments,
        options=options,
    )
    storage = find_storage()
    recordings = find_recordings(storage, speakers, Path(folder) if folder else None)
    experiment_folder = check_name(name or experiment_name(speakers), what="experiment")
    experiment = ExperimentFolder(storage.processed / experiment_folder)
    if config.features.encoder == "mel":
        warn(
            "the content encoder 'mel' needs no download but still carries the speaker: good for "
            "trying things out, not for a voice; see --encoder"
        )
    with progress_display() as progress:
        result = preprocess(
            recordings,
            experiment,
            config,
            device=device,
            workers=workers,
            engine=engine,
            address=address,
            progress=progress,
        )
    if as_json:
        print_json(preprocess_summary(result))
    else:
        for line in preprocess_lines(result):
            click.echo(line)
