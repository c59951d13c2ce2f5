"""What an exported graph computes, and what it must be given."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import nn

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.noise import GivenNoise
from ezrvc_model.synthesizer.synthesizer import Synthesizer

SpeakerInput = Literal["id", "mix", "curves"]
"""How a graph is told who speaks: a row of the speaker table, one set of weights over the table,
or a set for each frame."""


class GraphInput(NamedTuple):
    """One input of an exported graph."""

    name: str
    axes: tuple[str | int, ...]
    """Fixed sizes, and the names of those that vary: batch, n_frames, n_samples."""


def graph_inputs(
    config: SynthesizerConfig, speaker: SpeakerInput, *, predict_f0: bool = False
) -> tuple[GraphInput, ...]:
    """What the graph of a network reads, in order; nothing that it would ignore.

    Args:
        config: of the network.
        speaker: how it is told who speaks.
        predict_f0: whether it predicts F0.
    """
    decoder = config.decoder
    n_partials = decoder.n_harmonics + 1
    knows_f0 = config.pitch_embedding or decoder.has_source
    possible = {
        GraphInput("content", ("batch", config.content_dim, "n_frames")): True,
        GraphInput("f0", ("batch", "n_frames")): knows_f0,
        GraphInput("voiced", ("batch", "n_frames")): config.voiced_embedding or predict_f0,
        GraphInput("volume", ("batch", "n_frames")): config.volume_embedding,
        GraphInput("speaker", ("batch",)): speaker == "id",
        GraphInput("speaker_mix", ("batch", config.n_speakers)): speaker == "mix",
        GraphInput("speaker_curves", ("batch", config.n_speakers, "n_frames")): speaker == "curves",
        GraphInput("prior_noise", ("batch", config.inter_channels, "n_frames")): True,
        GraphInput("source_phase", ("batch", n_partials)): decoder.has_source,
        GraphInput("source_noise", ("batch", "n_samples", n_partials)): decoder.has_source,
    }
    return tuple(each for each, is_read in possible.items() if is_read)


def example_inputs(
    inputs: tuple[GraphInput, ...],
    config: SynthesizerConfig,
    *,
    batch: int,
    n_frames: int,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Random input that exercises a graph, by name.

    Args:
        inputs: of the graph.
        config: of its network.
        batch: how many items.
        n_frames: of each.
        seed: of the random numbers.
    """
    varying = {"batch": batch, "n_frames": n_frames, "n_samples": n_frames * config.hop_length}
    generator = torch.Generator().manual_seed(seed)
    examples: dict[str, torch.Tensor] = {}
    for name, axes in inputs:
        shape = [varying[axis] if isinstance(axis, str) else axis for axis in axes]
        uniform = torch.rand(shape, generator=generator)
        if name == "speaker":
            examples[name] = torch.arange(batch) % config.n_speakers
        elif name == "f0":
            examples[name] = 80 + 300 * uniform
        elif name == "voiced":
            examples[name] = (uniform > 0.3).float()
        elif name in ("speaker_mix", "speaker_curves"):
            examples[name] = uniform / uniform.sum(dim=1, keepdim=True)
        elif name in ("content", "prior_noise", "source_noise"):
            examples[name] = torch.randn(shape, generator=generator)
        else:  # volume and phases
            examples[name] = uniform
    return examples


class InferenceGraph(nn.Module):
    """All of conversion by a prepared network, with its noise as input.

    Args:
        network: prepared for inference.
        noise_scale: of the prior.
        predict_f0: whether F0 is predicted as the speaker would speak it.
    """

    def __init__(
        self, network: Synthesizer, *, noise_scale: float, predict_f0: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.noise_scale = noise_scale
        self.predict_f0 = predict_f0

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Samples, (batch, 1, n_samples), of the inputs that `graph_inputs` names."""
        network, content = self.network, inputs["content"]
        f0 = inputs.get("f0", torch.zeros_like(content[:, 0]))
        voiced = inputs.get("voiced", torch.ones_like(f0))
        volume = inputs.get("volume")
        speaker = next(inputs[name] for name in inputs if name.startswith("speaker"))
        if self.predict_f0:
            f0 = network.predict_f0(content, f0, voiced, speaker, volume)
        latent = network.encode(
            content,
            f0,
            voiced,
            speaker,
            volume,
            noise_scale=self.noise_scale,
            noise=GivenNoise(inputs["prior_noise"], axis=2),
        )
        excitation = None
        if "source_noise" in inputs:
            hiss = GivenNoise(inputs["source_noise"], axis=1)
            excitation = network.source(f0, start_phase=inputs["source_phase"], noise=hiss)
        samples = None if excitation is None else excitation.samples
        # whole: blocks of a graph would need its length, and narrow types its device
        return network.decoder(latent, samples, network.embed_speaker(speaker))
