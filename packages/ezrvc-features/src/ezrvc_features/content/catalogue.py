"""The content encoders that are known, as data.

A revision or SHA-256 below is one that the pages of the source state: the newest commit that the
Hub showed for the repository, the hash in OpenAI's addresses, the hash in the Hub's record of
Spin's file. What no page states is `unverified`: the first file seen is held to.
"""

from ezrvc_device.weights import UNVERIFIED, HubSource, PackageSource, UrlSource
from ezrvc_features.content.entry import EncoderEntry
from ezrvc_features.content.hidden_layer import HiddenLayer

_HUBERT = "ezrvc_features.content.hubert:HubertEncoder"
_WHISPER = "ezrvc_features.content.whisper_ppg:WhisperPpgEncoder"
_WHISPER_PADDED = "ezrvc_features.content.whisper_ppg:PaddedWhisperPpgEncoder"
_OPENAI = "https://openaipublic.azureedge.net/main/whisper/models"
_MEDIUM = "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1"
_LARGE_V2 = "81f7c96c852ee8fc832187b0132e569d6c3065a3252ed18e56effd0b6a73e524"
_SPIN = "https://huggingface.co/datasets/vectominist/spin_ckpt/resolve"


def _hub(repository: str, revision: str, *files: str) -> tuple[HubSource, ...]:
    return tuple(HubSource(repository, file, revision) for file in files)


def _contentvec(dim: int, index: int, summary: str) -> EncoderEntry:
    """A layer of ContentVec, with the projection to 256 values or without it."""
    return EncoderEntry(
        name=f"contentvec{dim}l{index}",
        summary=summary,
        dim=dim,
        layer=HiddenLayer(index=index, of=12, projected=dim == 256),
        licence="MIT",
        size_mb=378,
        sources=_hub(
            "lengyue233/content-vec-best",
            "c0b9ba13db21beaa4053faae94c102ebe326fd68",
            "config.json",
            "pytorch_model.bin",
        ),
        implementation=_HUBERT,
    )


def _whisper(
    suffix: str, size: str, dim: int, size_mb: int, sha256: str, *, padded: bool = False
) -> EncoderEntry:
    """A size of Whisper, from OpenAI."""
    how = (
        f"of the sound padded to 30 s (whisper-ppg{suffix})" if padded else "of the sound as it is"
    )
    return EncoderEntry(
        name=f"whisper-ppg{suffix}{'-padded' * padded}",
        summary=f"the encoder of Whisper, size {size}, {how}",
        dim=dim,
        layer="output of the encoder",
        licence="MIT",
        size_mb=size_mb,
        sources=(UrlSource(f"{_OPENAI}/{sha256}/{size}.pt", sha256),),
        implementation=_WHISPER_PADDED if padded else _WHISPER,
    )


ENTRIES = (
    EncoderEntry(
        name="soft-units",
        summary="built in: small, fast, taught to leave the speaker out; English above all",
        dim=64,
        layer="projection",
        licence="Apache-2.0",
        size_mb=0,
        sources=(PackageSource("ezrvc_features.content", "soft_units.safetensors"),),
        implementation="ezrvc_features.content.soft_units:SoftUnitsEncoder",
    ),
    EncoderEntry(
        name="mel",
        summary="log-mel bands; no weights; carries the speaker, for trying the pipeline only",
        dim=80,
        layer="none",
        licence="Apache-2.0",
        size_mb=0,
        sources=(),
        implementation="ezrvc_features.content.mel:MelEncoder",
    ),
    _contentvec(768, 12, "ContentVec, usual in so-vits-svc 4.1 (vec768l12) and RVC v2"),
    _contentvec(768, 9, "ContentVec, an earlier layer (vec768l9)"),
    _contentvec(256, 12, "ContentVec, projected (vec256l12)"),
    _contentvec(256, 9, "ContentVec, usual in so-vits-svc 4.0 (vec256l9) and RVC v1"),
    EncoderEntry(
        name="hubert-soft",
        summary="HuBERT-Soft, soft speech units (hubertsoft)",
        dim=256,
        layer="last layer and projection",
        licence="MIT",
        size_mb=378,
        sources=(
            UrlSource(
                "https://github.com/bshall/hubert/releases/download/v0.1/hubert-soft-0d54a1f4.pt",
                UNVERIFIED,
            ),
        ),
        implementation="ezrvc_features.content.hubert_soft:HubertSoftEncoder",
    ),
    EncoderEntry(
        name="cnhubert-large",
        summary="Chinese HuBERT large, for Mandarin (cnhubertlarge)",
        dim=1024,
        layer=HiddenLayer(index=24, of=24),
        licence="MIT",
        size_mb=1260,
        sources=_hub(
            "TencentGameMate/chinese-hubert-large", UNVERIFIED, "config.json", "pytorch_model.bin"
        ),
        implementation=_HUBERT,
    ),
    EncoderEntry(
        name="dphubert",
        summary="HuBERT base pruned to a quarter: small and fast (dphubert)",
        dim=768,
        layer="last layer",
        licence="MIT (of the repository; the weights state none)",
        size_mb=99,
        sources=_hub(
            "pyf98/DPHuBERT", "ebec6fcd91dfaf005cb8ead683dd18ed160f9ac9", "DPHuBERT-sp0.75.pth"
        ),
        implementation="ezrvc_features.content.dphubert:DPHubertEncoder",
    ),
    _whisper(
        "-tiny",
        "tiny",
        384,
        76,
        "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9",
    ),
    _whisper(
        "-base",
        "base",
        512,
        145,
        "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e",
    ),
    _whisper(
        "-small",
        "small",
        768,
        484,
        "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794",
    ),
    _whisper("", "medium", 1024, 1530, _MEDIUM),
    _whisper("-large", "large-v2", 1280, 3090, _LARGE_V2),
    _whisper(
        "-large-v3",
        "large-v3",
        1280,
        3090,
        "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb",
    ),
    _whisper("", "medium", 1024, 1530, _MEDIUM, padded=True),
    _whisper("-large", "large-v2", 1280, 3090, _LARGE_V2, padded=True),
    EncoderEntry(
        name="wavlm-base-plus",
        summary="WavLM base plus; keeps more of the speaker (wavlmbase+)",
        dim=768,
        layer=HiddenLayer(index=12, of=12),
        licence="MIT (of the authors' repository)",
        size_mb=378,
        sources=_hub(
            "microsoft/wavlm-base-plus",
            "4c66d4806a428f2e922ccfa1a962776e232d487b",
            "config.json",
            "pytorch_model.bin",
        ),
        implementation="ezrvc_features.content.wavlm:WavLMEncoder",
    ),
    EncoderEntry(
        name="spin",
        summary="Spin on HuBERT base, 2048 clusters; taught to leave the speaker out",
        dim=768,
        layer=HiddenLayer(index=12, of=12),
        licence="MIT",
        size_mb=500,
        sources=(
            UrlSource(
                f"{_SPIN}/ed564756cc16e27f8fc13486712b89bfe8171082/spin_hubert_2048.ckpt",
                "360be5cc67c51b7c37de6bd457b328d593a3a86218f2d4a6d46b5086761f5d28",
            ),
        ),
        implementation=_HUBERT,
    ),
    EncoderEntry(
        name="mhubert-147",
        summary="HuBERT base of 147 languages; not for commercial use",
        dim=768,
        layer=HiddenLayer(index=9, of=12, normalized=True),
        licence="CC-BY-NC-SA-4.0",
        size_mb=378,
        sources=_hub(
            "utter-project/mHuBERT-147",
            "3c4c625e915d7e761d5203a6963129e7c1ff2eb6",
            "config.json",
            "model.safetensors",
        ),
        implementation=_HUBERT,
    ),
)
"""In the order in which they are listed."""
