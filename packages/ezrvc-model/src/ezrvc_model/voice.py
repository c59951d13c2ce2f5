"""A voice: the network, whose voice it is, and everything needed to use it; one folder on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.atomic import atomic_folder, write_text
from ezrvc_device.configuration import save_yaml
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.discriminators.discriminator_file import save_discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.voice_card import VoiceCard
from ezrvc_model.voice_folder import (
    CARD_NAME,
    CONFIG_NAME,
    DISCRIMINATOR_NAME,
    GENERATOR_NAME,
    NOISE_SCALE,
    README_NAME,
    VoiceConfig,
    VoiceSummary,
    find_voices,
    is_voice_folder,
    read_voice_card,
    read_voice_config,
    resolve_voice,
)
from ezrvc_model.voice_retrieval import copy_retrieval, describe_retrieval, find_retrieval
from ezrvc_model.voice_weights import (
    Storage,
    check_tensors,
    read_generator,
    sha256_of,
    trainable_tensors,
    without_posterior,
    write_generator,
)

__all__ = ["VoiceModel", "VoiceSummary", "find_voices", "resolve_voice"]


@dataclass(eq=False)
class VoiceModel:
    """A network and everything needed to convert with it.

    Attributes:
        config: the numbers that shape the network.
        generator: the network, as it is trained or as it is used.
        speakers: name to row of the speaker table.
        features: the content encoder and pitch estimator it was trained with.
        card: what it is, whose it is, and how it was made.
        default_speaker: who speaks when nobody is asked for; None: the first of the table.
        encoder_version: of the content encoder it was trained with, where known.
        stretch: how content is brought to the frame grid, see `ezrvc_features.alignment`.
        unvoiced: what the generator is given as F0 of unvoiced frames.
        noise_scale: how much the latent varies when nobody asks for more or less.
        retrieval: files of retrieval vectors, by speaker; see `ezrvc_model.voice_retrieval`.

    Raises:
        ModelError: speakers and network do not fit each other, or there is retrieval for nobody.
    """

    config: SynthesizerConfig
    generator: Synthesizer
    speakers: Mapping[str, int]
    features: FeatureConfig
    card: VoiceCard
    default_speaker: str | None = None
    encoder_version: str | None = None
    stretch: Literal["nearest", "left"] = "nearest"
    unvoiced: Literal["interpolate", "zero"] = "interpolate"
    noise_scale: float = NOISE_SCALE
    retrieval: Mapping[str, Path] = field(default_factory=dict[str, Path])
    _description: VoiceConfig = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            self._description = VoiceConfig(
                synthesizer=self.config,
                features=self.features,
                speakers=dict(self.speakers),
                default_speaker=self.default_speaker,
                encoder_version=self.encoder_version,
                stretch=self.stretch,
                unvoiced=self.unvoiced,
                noise_scale=self.noise_scale,
            )
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"{self.card.name}: {reason}") from error
        for speaker in self.retrieval:
            self.speaker_row(speaker)

    @property
    def speaker_by_default(self) -> str:
        """Who speaks when nobody is asked for."""
        return self._description.speaker_by_default

    def speaker_row(self, speaker: str) -> int:
        """The row of a speaker in the speaker table.

        Raises:
            ModelError: no such speaker; names the nearest one and lists all.
        """
        return self._description.speaker_row(speaker)

    def prepared_generator(self) -> Synthesizer:
        """The network as inference uses it: no posterior encoder, weight normalisation folded.

        A network that is still being trained stays as it is, and so do the random generators: a
        new one is built for its weights. (A deep copy shares the classes that carry the weight
        normalisation with its original, and folding would take them from both.)
        """
        if self.generator.posterior_encoder is None:
            return self.generator
        with torch.random.fork_rng(devices=[]):
            prepared = Synthesizer(self.config)
        prepared.load_state_dict(self.generator.state_dict())
        return prepared.prepare_for_inference()

    def save(
        self,
        folder: Path,
        *,
        storage: Storage = "float32",
        discriminator: Discriminator | None = None,
    ) -> None:
        """Write the voice as one folder, whole or not at all; an older voice there is replaced.

        Args:
            folder: the voice folder.
            storage: how the weights are kept: `float16` is half the size; `int8` a quarter, with
                the posterior encoder where there is one, so that training can start from it.
            discriminator: goes into the folder too, for training that starts from there.

        Raises:
            ModelError: something that is not a voice lies there.
            OSError: the folder cannot be written.
        """
        if folder.exists() and not is_voice_folder(folder) and not _is_empty_folder(folder):
            raise ModelError(f"{folder}: something else is here already; name another folder")
        tensors = (
            trainable_tensors(self.generator)
            if storage == "int8"
            else self.prepared_generator().state_dict()
        )
        with atomic_folder(folder) as temporary:
            weights = temporary / GENERATOR_NAME
            write_generator(weights, tensors, storage)
            if discriminator is not None:
                compact = storage == "int8"
                save_discriminator(temporary / DISCRIMINATOR_NAME, discriminator, compact=compact)
            description = self._description.model_copy(
                update={"generator_sha256": sha256_of(weights)}
            )
            save_yaml(temporary / CONFIG_NAME, description.to_tree())
            save_yaml(temporary / CARD_NAME, self.card.to_tree())
            readme = self.card.to_markdown(
                speakers=self.speakers, sample_rate=self.config.sample_rate
            )
            write_text(temporary / README_NAME, readme)
            copy_retrieval(self.retrieval, self.speakers, temporary)

    @classmethod
    def load(cls, folder: Path, device: str | torch.device | None = "cpu") -> "VoiceModel":
        """Read a voice folder; the network is ready for use, in float32.

        Retrieval vectors are checked, and read when a conversion first asks for them.

        Args:
            folder: the voice folder.
            device: where the network goes, see `ezrvc_device.accelerator.resolve_device`.

        Raises:
            ModelError: the folder is not a voice, is damaged, or was written by a newer program.
            DeviceError: there is no such device here.
        """
        description = read_voice_config(folder)
        card = read_voice_card(folder)
        retrieval = find_retrieval(folder, description.speakers)
        for file in retrieval.values():
            describe_retrieval(file, description.synthesizer.content_dim)
        path = folder / GENERATOR_NAME
        tensors = without_posterior(read_generator(path, description.generator_sha256))
        generator = Synthesizer(description.synthesizer).prepare_for_inference()
        check_tensors(path, tensors, generator.state_dict())
        generator.load_state_dict(tensors)
        target = device if isinstance(device, torch.device) else resolve_device(device)
        return cls(
            config=description.synthesizer,
            generator=generator.to(target),
            speakers=description.speakers,
            features=description.features,
            card=card,
            default_speaker=description.default_speaker,
            encoder_version=description.encoder_version,
            stretch=description.stretch,
            unvoiced=description.unvoiced,
            noise_scale=description.noise_scale,
            retrieval=retrieval,
        )


def _is_empty_folder(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is None
