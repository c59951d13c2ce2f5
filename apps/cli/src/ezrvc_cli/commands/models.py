"""`ezrvc models`: voices as files: where they come from, what is in them, where they go."""

from typing import TYPE_CHECKING

import click

from ezrvc_cli.options import json_option

if TYPE_CHECKING:
    from ezrvc_cli.pipeline.models import VoiceDescription
    from ezrvc_model.interop.onnx_graph import SpeakerInput


@click.group(name="models")
def command() -> None:
    """Import voices of other programs; describe, export, blend and compress."""


@command.command(
    name="import",
    short_help="Make a voice of a model of so-vits-svc or RVC.",
    epilog="Example: ezrvc models import logs/44k/G_12000.pth --name sza",
)
@click.argument("path", type=click.Path(path_type=str))
@click.option("--name", default=None, help="What to call it in models/  [default: as its file]")
@click.option(
    "--encoder", default=None, metavar="NAME",
    help="The content encoder it was trained with, where its files do not say.",
)  # fmt: skip
@click.option(
    "--speaker", default=None, metavar="NAME",
    help="What to call its only speaker, or which of several speaks by default.",
)  # fmt: skip
@click.option(
    "--retrieval", type=click.Path(path_type=str), default=None, metavar="PATH",
    help="A kmeans_*.pt of so-vits-svc or an .index of RVC  [default: the one beside PATH]",
)  # fmt: skip
@json_option
def import_command(
    path: str,
    name: str | None,
    encoder: str | None,
    speaker: str | None,
    retrieval: str | None,
    as_json: bool,
) -> None:
    """Make a voice of a model of so-vits-svc 4.0 or 4.1, or of RVC v1 or v2.

    PATH is a folder with G_*.pth and config.json, one such G_*.pth, or a .pth file of RVC; or a
    place on the Hugging Face Hub that holds these: hf:owner/name[@revision][/folder or file].
    Nothing that these files carry is executed. A D_*.pth beside a G_*.pth is kept for training.
    """
    from pathlib import Path

    from ezrvc_cli.console import print_json, progress_display, warn
    from ezrvc_cli.pipeline.models import import_voice
    from ezrvc_cli.voice_reports import import_lines, import_summary
    from ezrvc_device.storage import find_storage
    from ezrvc_model.errors import ModelError
    from ezrvc_model.interop.hub import SCHEME, HubAddress

    models = find_storage().models
    try:
        with progress_display() as progress:
            result = import_voice(
                models,
                HubAddress.parse(path) if path.startswith(SCHEME) else Path(path),
                name=name,
                encoder=encoder,
                speaker=speaker,
                retrieval=Path(retrieval) if retrieval else None,
                progress=progress,
            )
    except ModelError as error:
        first, *table = str(error).splitlines()
        click.echo("\n".join(table), err=True, nl=bool(table))
        raise ModelError(first) from error
    for advice in result.advice:
        warn(advice)
    if as_json:
        print_json(import_summary(result))
        return
    for line in import_lines(result):
        click.echo(line)


@command.command(name="info", short_help="Say what a voice is.")
@click.argument("voice")
@json_option
def info_command(voice: str, as_json: bool) -> None:
    """Say what a voice is: its card, speakers, numbers, origin and size.

    VOICE is a name in models/ or a voice's folder.
    """
    from ezrvc_cli.console import print_json
    from ezrvc_cli.pipeline.models import describe_voice
    from ezrvc_cli.voice_reports import description_lines, description_summary
    from ezrvc_device.storage import find_storage

    description = describe_voice(find_storage().models, voice)
    if as_json:
        print_json(description_summary(description))
        return
    for line in description_lines(description):
        click.echo(line)


@command.command(name="export", short_help="Write a voice for so-vits-svc 4.1, or as ONNX.")
@click.argument("voice")
@click.argument("output", metavar="FOLDER", type=click.Path(path_type=str))
@click.option(
    "--format", "kind", type=click.Choice(["sovits", "onnx"]), default="sovits", show_default=True,
    help="Files of so-vits-svc 4.1, for voices whose encoder it has (not soft-units), or one ONNX "
    "graph.",
)  # fmt: skip
@click.option(
    "--speaker-input", type=click.Choice(["id", "mix", "curves"]), default="id", show_default=True,
    help="How an ONNX graph is told who speaks: a row, shares of all, or shares for each frame.",
)  # fmt: skip
@click.option("--predict-f0", is_flag=True, help="Let an ONNX graph predict F0 (for speech only).")
@json_option
def export_command(
    voice: str,
    output: str,
    kind: str,
    speaker_input: "SpeakerInput",
    predict_f0: bool,
    as_json: bool,
) -> None:
    """Write a voice for other programs.

    For so-vits-svc 4.1: G_*.pth and config.json in a new folder. As ONNX: FOLDER/VOICE.onnx, or
    the file itself where FOLDER ends in .onnx.
    """
    from pathlib import Path

    from ezrvc_cli.console import print_json
    from ezrvc_cli.pipeline.models import export_voice
    from ezrvc_cli.pipeline.onnx import export_graph
    from ezrvc_device.storage import find_storage

    models = find_storage().models
    if kind == "onnx":
        graph = export_graph(
            models, voice, Path(output), speaker=speaker_input, predict_f0=predict_f0
        )
        if as_json:
            print_json({"graph": graph})
        else:
            click.echo(f"exported    {graph}")
        return
    if speaker_input != "id" or predict_f0:
        raise click.UsageError("--speaker-input and --predict-f0 need --format onnx")
    checkpoint = export_voice(models, voice, Path(output))
    if as_json:
        print_json({"checkpoint": checkpoint, "config": checkpoint.with_name("config.json")})
    else:
        click.echo(f"exported    {checkpoint} and config.json")


@command.command(
    name="blend",
    short_help="Average voices of the same shape.",
    epilog="Example: ezrvc models blend sza:0.7 nova:0.3 --name duo",
)
@click.argument("parts", nargs=-1, required=True, metavar="VOICE:WEIGHT...")
@click.option("--name", required=True, help="What to call the new voice in models/.")
@json_option
def blend_command(parts: tuple[str, ...], name: str, as_json: bool) -> None:
    """Average voices of the same shape and content encoder; only proportions of weights matter."""
    from ezrvc_cli.pipeline.models import blend_voices, describe_voice
    from ezrvc_device.storage import find_storage

    models = find_storage().models
    _show_voice(describe_voice(models, blend_voices(models, _weighted(parts), name)), as_json)


@command.command(name="compress", short_help="Copy a voice at half the size.")
@click.argument("voice")
@click.option(
    "-o", "--output", type=click.Path(path_type=str), default=None, metavar="FOLDER",
    help="The new voice's folder  [default: VOICE-half in models/]",
)  # fmt: skip
@json_option
def compress_command(voice: str, output: str | None, as_json: bool) -> None:
    """Write a copy of a voice in half precision, at half the size."""
    from pathlib import Path

    from ezrvc_cli.pipeline.models import compress_voice, describe_voice
    from ezrvc_device.storage import find_storage

    models = find_storage().models
    folder = compress_voice(models, voice, Path(output) if output else None)
    _show_voice(describe_voice(models, folder), as_json)


@command.command(
    name="retrieval",
    short_help="Keep with a voice what its speakers have said.",
    epilog="Example: ezrvc models retrieval sza, then "
    "ezrvc convert song.wav --set retrieval_ratio=0.5",
)
@click.argument("voice")
@click.option(
    "--method", type=click.Choice(["index", "kmeans"]), default="index", show_default=True,
    help="index: every vector of their content; kmeans: fewer, their centres.",
)  # fmt: skip
@click.option(
    "--clusters", type=click.IntRange(min=1), default=None, metavar="N",
    help="How many centres  [default: 10000]",
)  # fmt: skip
@click.option(
    "--experiment", default=None, metavar="NAME",
    help="Whose content  [default: the experiment named as the voice]",
)  # fmt: skip
@json_option
def retrieval_command(
    voice: str, method: str, clusters: int | None, experiment: str | None, as_json: bool
) -> None:
    """Keep with a voice the content of its training clips, for `--set retrieval_ratio=...`.

    Conversion then moves what is said towards what the speaker has said, which hides more of the
    source's own way of speaking.
    """
    from ezrvc_cli.console import progress_display
    from ezrvc_cli.pipeline.models import describe_voice
    from ezrvc_cli.pipeline.retrieval import build_retrieval
    from ezrvc_device.storage import find_storage
    from ezrvc_features.retrieval import RetrievalConfig

    storage = find_storage()
    tree = {"method": method} | ({"n_clusters": clusters} if clusters is not None else {})
    config = RetrievalConfig.from_tree(tree, source="--method")
    with progress_display() as progress:
        build_retrieval(storage, voice, config, experiment=experiment, progress=progress)
    _show_voice(describe_voice(storage.models, voice), as_json)


def _show_voice(description: "VoiceDescription", as_json: bool) -> None:
    from ezrvc_cli.console import print_json
    from ezrvc_cli.voice_reports import description_lines, description_summary

    if as_json:
        print_json(description_summary(description))
        return
    for line in description_lines(description):
        click.echo(line)


def _weighted(parts: tuple[str, ...]) -> list[tuple[str, float]]:
    """Voices and weights from `NAME:0.7`."""
    weighted: list[tuple[str, float]] = []
    for part in parts:
        voice, _, weight = part.rpartition(":")
        try:
            weighted.append((voice, float(weight)))
        except ValueError:
            voice = ""
        if not voice:
            raise click.BadParameter(f"{part!r} is not VOICE:WEIGHT, as in sza:0.7")
    return weighted
