"""Whisper's encoder as content: what so-vits-svc calls whisper-ppg.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022). The encoder
is run on the sound as it is, not padded to 30 seconds: its sinusoidal positions are used as far as
they are needed, and n samples at 16 kHz give n // 320 frames. Any size of Whisper works.

Whisper was trained on 30 seconds, and what it says of a sound depends on the silence after it: with
the real weights of the size base, and synthetic speech of 2, 6 and 15 seconds, the vectors of the
sound as it is and of the sound padded to 30 seconds differ by 0.85, 0.42 and 0.24 of their
deviation. A voice has to be used with what it was trained on. so-vits-svc pads: voices of its own
need `whisper-ppg-padded` or `whisper-ppg-large-padded`, which take the time of 30 seconds for every
clip.

Whisper's vectors also say where in its window a sound is: with the size tiny.en, starting one
second earlier changes them by 0.7 of their deviation. For sound of more than 29 seconds, where one
pass does not exist, each window's vectors are those of a clip that starts where the window does;
cut long recordings at pauses where that matters.

Two published layouts are read: Hugging Face's folder and OpenAI's `.pt`. The decoder is dropped.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from ezrvc_features.content.checkpoint import (
    Checkpoint,
    ConvertedFile,
    account_for,
    hugging_face_files,
    load_json,
    rename,
    tensors_in,
)
from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.content.hidden_layer import HiddenLayer
from ezrvc_features.content.speech_encoder import PublishedEncoder
from ezrvc_features.content.windows import SPEECH_HOP, SPEECH_RATE, WindowPlan
from ezrvc_features.errors import FeatureError
from ezrvc_features.spectrogram import MelSpec, mel_filterbank

_LONGEST_FRAMES = 1450
"""29 s, of the 30 s that the encoder knows positions for."""
_N_FFT, _HOP = 400, 160
_HARMLESS = r"decoder\..*|proj_out\..*"
"""The text decoder."""
_HUGGING_FACE_NAMES = (
    (r"model\.encoder\.(.+)", r"\1"),
    (r"encoder\.(.+)", r"\1"),
    (r"model\.(decoder\..+)", r"\1"),
)
_OPENAI_NAMES = (
    (r"encoder\.positional_embedding", r"embed_positions.weight"),
    (r"encoder\.blocks\.(\d+)\.attn\.query\.(\w+)", r"layers.\1.self_attn.q_proj.\2"),
    (r"encoder\.blocks\.(\d+)\.attn\.key\.(\w+)", r"layers.\1.self_attn.k_proj.\2"),
    (r"encoder\.blocks\.(\d+)\.attn\.value\.(\w+)", r"layers.\1.self_attn.v_proj.\2"),
    (r"encoder\.blocks\.(\d+)\.attn\.out\.(\w+)", r"layers.\1.self_attn.out_proj.\2"),
    (r"encoder\.blocks\.(\d+)\.attn_ln\.(\w+)", r"layers.\1.self_attn_layer_norm.\2"),
    (r"encoder\.blocks\.(\d+)\.mlp\.0\.(\w+)", r"layers.\1.fc1.\2"),
    (r"encoder\.blocks\.(\d+)\.mlp\.2\.(\w+)", r"layers.\1.fc2.\2"),
    (r"encoder\.blocks\.(\d+)\.mlp_ln\.(\w+)", r"layers.\1.final_layer_norm.\2"),
    (r"encoder\.ln_post\.(\w+)", r"layer_norm.\1"),
    (r"encoder\.(conv\d\.\w+)", r"\1"),
)
"""OpenAI's names and those of transformers' WhisperEncoder."""
_OPENAI_DIMS = {
    "num_mel_bins": "n_mels",
    "max_source_positions": "n_audio_ctx",
    "d_model": "n_audio_state",
    "encoder_attention_heads": "n_audio_head",
    "encoder_layers": "n_audio_layer",
}
"""Our configuration's keys and OpenAI's."""


def log_mel(samples: torch.Tensor, n_mels: int) -> torch.Tensor:
    """Whisper's input: log10 mel power every 10 ms, its top 80 dB scaled to about -1 to 1.

    Args:
        samples: (batch, n_samples), 16 kHz, more than 200 samples.
        n_mels: 80, or 128 for large-v3.

    Returns:
        (batch, n_mels, n_samples // 160).
    """
    window = torch.hann_window(_N_FFT, device=samples.device)
    spectrum = torch.stft(samples, _N_FFT, _HOP, window=window, return_complex=True)
    power = spectrum[..., :-1].abs().square()
    mel = MelSpec(SPEECH_RATE, _N_FFT, n_mels, fmin_hz=0.0, fmax_hz=SPEECH_RATE / 2)
    bands = (mel_filterbank(mel, device=samples.device) @ power).clamp(min=1e-10).log10()
    loudest = bands.amax(dim=(-2, -1), keepdim=True)
    return (torch.maximum(bands, loudest - 8.0) + 4.0) / 4.0


class WhisperPpgEncoder(PublishedEncoder):
    """The output of a Whisper encoder."""

    dim_key = "d_model"
    layout = "whisper-ppg-1"
    takes_padding = True

    def __init__(self, checkpoint: ConvertedFile, *, name: str, device: torch.device) -> None:
        config = checkpoint.config
        longest = min(_LONGEST_FRAMES, config["max_source_positions"])
        super().__init__(checkpoint, name=name, device=device, plan=WindowPlan(longest))
        self._network = self._furnish(_empty_network(config), checkpoint)
        self._n_mels = config["num_mel_bins"]
        self._n_positions = config["max_source_positions"]

    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        return self._encode_mel(log_mel(samples, self._n_mels), samples.shape[-1] // SPEECH_HOP)

    def _forward_padded(self, samples: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        mels = [
            log_mel(sound[:length], self._n_mels).mT
            for sound, length in zip(samples, lengths, strict=True)
        ]  # each by itself: its end is reflected, and its loudest band scales it
        mel = nn.utils.rnn.pad_sequence(mels, batch_first=True).mT
        n_frames = torch.tensor([length // SPEECH_HOP for length in lengths], device=mel.device)
        frame = torch.arange(int(n_frames.max()), device=mel.device)
        is_heard = frame < n_frames[:, None, None, None]  # (batch, 1, 1, n_frames)
        attention = torch.zeros_like(is_heard, dtype=mel.dtype).masked_fill(~is_heard, -torch.inf)
        # All that a heard frame sees behind the end of its sound is zero, as it is alone.
        return self._encode_mel(mel, len(frame), attention)

    def _encode_mel(
        self, mel: torch.Tensor, n_frames: int, attention: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The network behind the spectrogram, (batch, n_mels, 2 * n_frames or one more)."""
        network = self._network
        hidden = nn.functional.gelu(network.conv1(mel))
        hidden = nn.functional.gelu(network.conv2(hidden))
        hidden = hidden[..., :n_frames].mT  # (batch, n_frames, dim)
        hidden = hidden + network.embed_positions.weight[: hidden.shape[1]]
        for layer in network.layers:
            hidden = layer(hidden, attention)
        return network.layer_norm(hidden).mT  # (batch, dim, n_frames)

    @classmethod
    def convert(cls, source: Path) -> Checkpoint:
        """Read Hugging Face's folder or OpenAI's file.

        Raises:
            FeatureError: it is neither.
        """
        if source.is_dir():
            found, config = _read_hugging_face(source)
        else:
            found, config = _read_openai(source)
        expected = _empty_network(config).state_dict()
        return Checkpoint(account_for(found, expected, harmless=_HARMLESS, source=source), config)


class PaddedWhisperPpgEncoder(WhisperPpgEncoder):
    """The output of a Whisper encoder that hears silence after the sound, 30 seconds in all."""

    @classmethod
    def version_of(cls, checkpoint: ConvertedFile, layer: HiddenLayer | None = None) -> str:
        """The method and the weights, in one word."""
        return f"padded-{super().version_of(checkpoint, layer)}"

    def _forward(self, samples: torch.Tensor) -> torch.Tensor:
        n_samples = samples.shape[-1]
        whole = self._n_positions * SPEECH_HOP
        content = super()._forward(nn.functional.pad(samples, (0, whole - n_samples)))
        return content[..., : n_samples // SPEECH_HOP]

    def _forward_padded(self, samples: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        return self._forward(samples)  # silence follows each of them in any case


def _empty_network(config: dict[str, Any]) -> WhisperEncoder:
    feed_forward = config.get("encoder_ffn_dim", 4 * config["d_model"])
    with torch.device("meta"):
        return WhisperEncoder(WhisperConfig(**{**config, "encoder_ffn_dim": feed_forward}))


def _read_hugging_face(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    config_file, weight_files = hugging_face_files(folder)
    whole = load_json(config_file)
    missing = _OPENAI_DIMS.keys() - whole.keys()
    if whole.get("model_type") != "whisper" or missing:
        raise FeatureError(f"{config_file}: not the configuration of a Whisper model")
    found: dict[str, torch.Tensor] = {}
    for file in weight_files:
        found |= tensors_in(read_checkpoint(file), inside=(), source=file)
    config = {key: whole[key] for key in (*_OPENAI_DIMS, "encoder_ffn_dim") if key in whole}
    return rename(found, _HUGGING_FACE_NAMES), config


def _read_openai(source: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tree = read_checkpoint(source)
    dims = tree.get("dims") if isinstance(tree, dict) else None
    if not isinstance(dims, dict) or not dims.keys() >= set(_OPENAI_DIMS.values()):
        raise FeatureError(f"{source}: not an OpenAI Whisper checkpoint (it has no `dims`)")
    found = tensors_in(tree, inside=("model_state_dict",), source=source)
    config = {ours: dims[theirs] for ours, theirs in _OPENAI_DIMS.items()}
    return rename(found, _OPENAI_NAMES), config
