"""The SoVITS network: content, F0 and a speaker become speech or song."""

from typing import Self

import torch
from torch import nn

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.noise import Noise
from ezrvc_model.synthesizer.embeddings import ContentEmbedding, SpeakerEmbedding
from ezrvc_model.synthesizer.f0_decoder import F0Decoder
from ezrvc_model.synthesizer.flow import Flow
from ezrvc_model.synthesizer.log_f0 import centre, f0_of, log_f0
from ezrvc_model.synthesizer.masks import frame_mask
from ezrvc_model.synthesizer.output import SynthesizerOutput
from ezrvc_model.synthesizer.posterior_encoder import PosteriorEncoder
from ezrvc_model.synthesizer.prior_encoder import PriorEncoder
from ezrvc_model.synthesizer.slicing import draw_starts, take_slices
from ezrvc_model.vocoders.blockwise import BlockwiseDecoder
from ezrvc_model.vocoders.hifigan import HiFiGAN
from ezrvc_model.vocoders.sine_source import Excitation, SineSource
from ezrvc_model.weight_norm import fold_weight_norm

NOISE_SCALE = 0.4
"""Of the prior's deviation in conversion, if nothing else is asked for."""
F0_JITTER = 0.2
"""Training scales the centred F0 by 1 plus or minus this, so that its depth alone tells nothing."""


class Synthesizer(nn.Module):
    """A conditional variational autoencoder over spectrogram frames, decoded to samples.

    content embedding -> prior encoder -> reverse flow -> HiFi-GAN driven by a sine source; the
    posterior encoder and the forward flow exist for training. The network of so-vits-svc 4.x and
    of RVC (their differences are numbers of the configuration), after Kim, Kong and Son, "VITS"
    (2021). Shapes: (batch, channels, n_frames); a speaker is given as rows of the speaker table
    or as weights, see `SpeakerEmbedding`.
    """

    def __init__(self, config: SynthesizerConfig) -> None:
        super().__init__()
        self.config = config
        self.speaker_embedding = SpeakerEmbedding(config.n_speakers, config.speaker_dim)
        self.content_embedding = ContentEmbedding(config)
        self.prior_encoder = PriorEncoder(config)
        self.posterior_encoder: PosteriorEncoder | None = PosteriorEncoder(config)
        self.flow = Flow(config)
        self.f0_decoder = F0Decoder(config) if config.predict_f0 else None
        decoder = config.decoder
        self.sine_source = None
        if decoder.has_source:
            source_rate = decoder.source_sample_rate or config.sample_rate
            self.sine_source = SineSource(source_rate, config.hop_length, decoder.n_harmonics)
        self.decoder = HiFiGAN(decoder, config.inter_channels, config.speaker_dim)
        self._blockwise: BlockwiseDecoder | None = None
        self.register_load_state_dict_post_hook(_forget_copies)

    # ----------------------------------------------------------------- training

    def forward(
        self,
        content: torch.Tensor,
        f0: torch.Tensor,
        voiced: torch.Tensor,
        speaker: torch.Tensor,
        spectrogram: torch.Tensor,
        lengths: torch.Tensor,
        volume: torch.Tensor | None = None,
        *,
        segment_frames: int,
        noise: Noise,
        convert: bool = False,
    ) -> SynthesizerOutput:
        """One training pass over a padded batch.

        Args:
            content: (batch, content_dim, n_frames).
            f0: (batch, n_frames), Hz.
            voiced: (batch, n_frames), 1 or 0.
            speaker: (batch,) rows of the speaker table.
            spectrogram: linear magnitudes, (batch, n_bins, n_frames).
            lengths: frames of each item, (batch,).
            volume: frame RMS, (batch, n_frames), for models that know volume.
            segment_frames: frames of the slice that is decoded.
            noise: draws the F0 jitter, the posterior's sample, the slices, the source, and the
                prior's sample.
            convert: make the slices the way of conversion as well.

        Raises:
            ModelError: the posterior encoder was dropped, volume is missing, or a clip is shorter
                than the slice.
        """
        if self.posterior_encoder is None:
            raise ModelError("this network was prepared for conversion: it cannot be trained")
        vector = self.embed_speaker(speaker)
        mask = frame_mask(lengths, content.shape[2], content.dtype)
        x = self.content_embedding(content, voiced, volume, mask)

        true_log_f0 = log_f0(f0)
        melody = predicted = None
        if self.f0_decoder is not None:
            jitter = noise.uniform((len(f0), 1), true_log_f0, low=-F0_JITTER, high=F0_JITTER)
            counted = voiced * mask[:, 0] if self.config.mask_padding else voiced
            melody = centre(true_log_f0, counted, mask[:, 0], 1 + jitter)
            predicted = self.f0_decoder(x, melody, mask, vector)

        prior = self.prior_encoder(x, f0, mask)
        posterior = self.posterior_encoder(spectrogram, mask, vector)
        z = posterior.sample(noise) * mask
        z_p = self.flow(z, mask, vector)

        starts = draw_starts(lengths, segment_frames, noise)
        excitation = None
        if self.sine_source is not None:
            excitation = self.sine_source(take_slices(f0, starts, segment_frames), noise=noise)

        def decode(latent: torch.Tensor) -> torch.Tensor:
            samples = None if excitation is None else excitation.samples
            return self.decoder(take_slices(latent, starts, segment_frames), samples, vector)

        converted = None
        if convert:
            drawn = self.flow(prior.sample(noise, NOISE_SCALE) * mask, mask, vector, reverse=True)
            converted = decode(drawn)
        return SynthesizerOutput(
            audio=decode(z),
            slice_starts=starts,
            z=z,
            z_p=z_p,
            m_p=prior.mean,
            logs_p=prior.log_deviation,
            m_q=posterior.mean,
            logs_q=posterior.log_deviation,
            mask=mask,
            predicted_log_f0=predicted,
            log_f0=true_log_f0,
            normalised_log_f0=melody,
            converted=converted,
        )

    # --------------------------------------------------------------- conversion

    def embed_speaker(self, speaker: torch.Tensor) -> torch.Tensor:
        """Speaker vectors of rows or weights, (batch, speaker_dim, 1 or n_frames)."""
        return self.speaker_embedding(speaker)

    def predict_f0(
        self,
        content: torch.Tensor,
        f0: torch.Tensor,
        voiced: torch.Tensor,
        speaker: torch.Tensor,
        volume: torch.Tensor | None = None,
        *,
        lengths: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """F0 as the speaker would speak it (not for song: it leaves the melody).

        Returns:
            (batch, n_frames), Hz.

        Raises:
            ModelError: the model has no F0 decoder.
        """
        if self.f0_decoder is None:
            raise ModelError("this voice cannot predict F0: it was trained without an F0 decoder")
        mask = _mask(f0, lengths)
        x = self.content_embedding(content, voiced, volume, mask)
        melody = centre(log_f0(f0), voiced * mask[:, 0], mask[:, 0])
        return f0_of(self.f0_decoder(x, melody, mask, self.embed_speaker(speaker)))

    def encode(
        self,
        content: torch.Tensor,
        f0: torch.Tensor,
        voiced: torch.Tensor,
        speaker: torch.Tensor,
        volume: torch.Tensor | None = None,
        *,
        noise_scale: float = NOISE_SCALE,
        noise: Noise,
        lengths: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Draw from the prior and give the draw the speaker's colour.

        Args:
            content: (batch, content_dim, n_frames).
            f0: (batch, n_frames), Hz.
            voiced: (batch, n_frames), 1 or 0.
            speaker: rows or weights.
            volume: frame RMS, (batch, n_frames), for models that know volume.
            noise_scale: of the draw's deviation; 0 takes the mean.
            noise: draws the latent.
            lengths: frames of each item, (batch,), where the batch is padded.

        Returns:
            (batch, inter_channels, n_frames).
        """
        mask = _mask(f0, lengths)
        x = self.content_embedding(content, voiced, volume, mask)
        z_p = self.prior_encoder(x, f0, mask).sample(noise, noise_scale) * mask
        return self.flow(z_p, mask, self.embed_speaker(speaker), reverse=True)

    def source(
        self,
        f0: torch.Tensor,
        *,
        start_phase: torch.Tensor | None = None,
        noise: Noise,
        summed_hiss: bool = False,
    ) -> Excitation | None:
        """The decoder's excitation (see `SineSource`), or None where the decoder has none."""
        if self.sine_source is None:
            return None
        return self.sine_source(f0, start_phase=start_phase, noise=noise, summed_hiss=summed_hiss)

    def decode(
        self,
        latent: torch.Tensor,
        source: Excitation | torch.Tensor | None,
        speaker: torch.Tensor,
        *,
        fp32: bool = False,
    ) -> torch.Tensor:
        """Samples of a latent.

        Once prepared for inference, long latents are decoded in blocks that fit the processor's
        caches (the result is that of the whole), and the convolutions run in the type that the
        device is best at.

        Args:
            latent: (batch, inter_channels, n_frames).
            source: what `source` gave for the same frames.
            speaker: rows or weights.
            fp32: whether the convolutions must stay in single precision.

        Returns:
            (batch, 1, n_frames * hop_length).
        """
        samples = source.samples if isinstance(source, Excitation) else source
        vector = self.embed_speaker(speaker)
        if self._blockwise is None:
            return self.decoder(latent, samples, vector)
        return self._blockwise(latent, samples, vector, fp32=fp32)

    def infer(
        self,
        content: torch.Tensor,
        f0: torch.Tensor,
        voiced: torch.Tensor,
        speaker: torch.Tensor,
        volume: torch.Tensor | None = None,
        *,
        noise_scale: float = NOISE_SCALE,
        predict_f0: bool = False,
        noise: Noise,
        lengths: torch.Tensor | None = None,
        fp32: bool = False,
    ) -> torch.Tensor:
        """All of conversion: `predict_f0` (if asked for), `encode`, `source`, `decode`.

        Returns:
            (batch, 1, n_frames * hop_length).
        """
        if predict_f0:
            f0 = self.predict_f0(content, f0, voiced, speaker, volume, lengths=lengths)
        latent = self.encode(
            content,
            f0,
            voiced,
            speaker,
            volume,
            noise_scale=noise_scale,
            noise=noise,
            lengths=lengths,
        )
        return self.decode(latent, self.source(f0, noise=noise), speaker, fp32=fp32)

    def prepare_for_inference(self) -> Self:
        """Drop the posterior encoder, fold weight normalisation and freeze; returns itself.

        Saved afterwards, the state is that of a voice: smaller, and of no use for training.
        """
        self.posterior_encoder = None
        fold_weight_norm(self)
        self.eval().requires_grad_(False)
        self._blockwise = BlockwiseDecoder(self.decoder)
        return self


def _mask(f0: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
    """(batch, 1, n_frames): every frame is real where no lengths say otherwise."""
    if lengths is None:
        return torch.ones_like(f0).unsqueeze(1)
    return frame_mask(lengths, f0.shape[1], f0.dtype)


def _forget_copies(module: nn.Module, _: object) -> None:
    """Weights were loaded: what was derived from older ones is no longer true."""
    if isinstance(module, Synthesizer) and module._blockwise is not None:
        module._blockwise.forget_copies()
