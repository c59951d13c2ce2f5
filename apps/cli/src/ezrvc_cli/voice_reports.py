"""What a voice is, for people (lines) and for machines (a JSON tree)."""

import shlex
from dataclasses import asdict
from typing import Any

from ezrvc_cli.pipeline.models import ImportResult, VoiceDescription


def description_lines(description: VoiceDescription) -> list[str]:
    """Card, speakers, numbers, origin and size."""
    summary, config, card = description.summary, description.config, description.card
    network = config.synthesizer
    training = card.training
    trained = "not known" if training.steps is None else f"{training.steps} steps"
    facts = [
        ("voice", summary.name),
        ("about", card.description),
        ("speakers", ", ".join(summary.speakers)),
        ("default", summary.default_speaker if len(summary.speakers) > 1 else ""),
        ("rate", f"{network.sample_rate} Hz, {network.hop_length} samples a frame"),
        ("content", f"{config.features.encoder}, width {network.content_dim}"),
        ("decoder", network.decoder.kind),
        ("flow", f"{network.flow}, {network.n_couplings} couplings"),
        ("options", ", ".join(_options(description)) or "none"),
        ("noise", f"scale {config.noise_scale:g}"),
        ("retrieval", "; ".join(_retrieval(description))),
        ("size", f"{description.n_parameters} parameters in {description.precision}, "
                 f"{summary.n_bytes / 1e6:.1f} MB"),
        ("opponent", _discriminator(description)),
        ("trained", f"{trained}{', untrained' if training.untrained else ''}"),
        ("origin", " ".join(part for part in (card.origin.kind, card.origin.note) if part)),
        *((" ", f"{file.name} (SHA-256 {file.sha256})") for file in card.origin.files),
        ("author", card.author),
        ("licence", card.licence or "not stated"),
        ("consent", {True: "given", False: "not given", "unknown": "unknown"}[card.consent.given]),
        ("created", card.created),
        ("folder", str(summary.folder)),
    ]  # fmt: skip
    return [f"{label:<12}{text}" for label, text in facts if text]


def description_summary(description: VoiceDescription) -> dict[str, Any]:
    """The same as a tree."""
    summary, config = description.summary, description.config
    return {
        "name": summary.name,
        "folder": summary.folder,
        "bytes": summary.n_bytes,
        "parameters": description.n_parameters,
        "precision": description.precision,
        "discriminator": description.discriminator and description.discriminator.to_tree(),
        "retrieval": {name: asdict(facts) for name, facts in description.retrieval.items()},
        "speakers": dict(config.speakers),
        "default_speaker": config.speaker_by_default,
        "card": description.card.to_tree(),
        "config": config.to_tree(),
    }


def import_lines(result: ImportResult) -> list[str]:
    """What it is, and which of its configuration keys were ignored."""
    ignored = ", ".join(result.ignored) or "none"
    summary = result.voice.summary
    whose = shlex.join(["--voice", summary.name, "--speaker", summary.default_speaker])
    return [
        *description_lines(result.voice),
        f"{'ignored':<12}{ignored}",
        f"{'next':<12}ezrvc convert INPUT {whose} -o out.wav",
    ]


def import_summary(result: ImportResult) -> dict[str, Any]:
    """The same as a tree."""
    return {
        "voice": description_summary(result.voice),
        "ignored": list(result.ignored),
        "advice": list(result.advice),
    }


def _retrieval(description: VoiceDescription) -> list[str]:
    """What each speaker's content can be moved by."""
    return [
        f"{speaker}: {facts.method} of {facts.n_vectors} vectors ({facts.origin})"
        for speaker, facts in description.retrieval.items()
    ]


def _discriminator(description: VoiceDescription) -> str:
    """What training could start from."""
    if description.discriminator is None:
        return ""
    periods = ", ".join(map(str, description.discriminator.periods))
    return f"a discriminator of periods {periods}, kept for training"


def _options(description: VoiceDescription) -> list[str]:
    """What this network has or does that others need not."""
    network = description.config.synthesizer
    present = {
        "F0": network.pitch_embedding,
        "F0 prediction": network.predict_f0,
        "volume": network.volume_embedding,
        "depthwise convolutions": network.depthwise,
        "shared flow": network.share_flow,
    }
    return [name for name, there in present.items() if there]
