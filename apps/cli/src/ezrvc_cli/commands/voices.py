"""`ezrvc voices`: list the voices at hand."""

from typing import Any

import click

from ezrvc_cli.options import json_option


@click.command(name="voices")
@json_option
def command(as_json: bool) -> None:
    """List the voices at hand: whose, at what rate, how long they were trained."""
    from dataclasses import asdict

    from ezrvc_cli.console import print_json, warn
    from ezrvc_cli.tables import print_table
    from ezrvc_device.storage import find_storage
    from ezrvc_model.voice_folder import voices_at_hand

    storage = find_storage()
    problems: list[str] = []
    voices = voices_at_hand(storage.models, problems)
    for problem in problems:
        warn(problem)
    if as_json:
        print_json({"voices": [asdict(voice) for voice in voices]})
        return
    if not voices:
        click.echo(
            f"no voices in {storage.models}; make one: ezrvc preprocess --speaker NAME, "
            "then ezrvc train"
        )
        return
    print_table(
        ["voice", "speakers", "rate", "encoder", "steps", "size", "note"],
        [
            [
                voice.name,
                ", ".join(voice.speakers),
                f"{voice.sample_rate} Hz",
                voice.encoder,
                "?" if voice.steps is None else str(voice.steps),
                f"{voice.n_bytes / 1e6:.0f} MB",
                _note(voice),
            ]
            for voice in voices
        ],
    )
    for voice in voices:
        for speaker, text in voice.descriptions.items():
            click.echo(f"{speaker:<12}{text}")


def _note(voice: Any) -> str:
    """What is to be said of a voice in a few words."""
    words = ("built in" * voice.built_in, "untrained" * voice.untrained or voice.note)
    return ", ".join(filter(None, words))
